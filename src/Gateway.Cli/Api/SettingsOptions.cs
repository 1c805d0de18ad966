using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gateway.Cli.Api;

/// <summary>
/// The members of a settings record as options. What is given makes the document that is sent, as the body of POST or as a merge patch; its values are
/// judged by the API, which names all mistakes at once. A test asks that every member has its option.
/// </summary>
internal sealed class SettingsOptions
{
    private readonly List<(string Member, Option? Option, Func<ParseResult, JsonNode?> Read)> _members = [];
    private Option<string[]>? _clear;

    /// <summary>The members of the document that have an option.</summary>
    public IEnumerable<string> Members => _members.Select(m => m.Member);

    /// <summary>The options, to be given to a command.</summary>
    public Symbol[] Symbols => [.. _members.Select(m => m.Option).Append(_clear).OfType<Option>()];

    /// <summary>A member that an argument of the command stands for.</summary>
    public SettingsOptions Given(string member, Argument<string> argument) => Add(member, null, parsed => parsed.GetValue(argument));

    public SettingsOptions Text(string member, string name, string helpName, string description, params string[] words)
    {
        var option = new Option<string>(name) { HelpName = words.Length > 0 ? string.Join('|', words) : helpName, Description = description };
        if (words.Length > 0) option.CompletionSources.Add(words);
        return Add(member, option, parsed => parsed.GetValue(option));
    }

    public SettingsOptions Number(string member, string name, string helpName, string description)
    {
        var option = new Option<long>(name)
        {
            HelpName = helpName,
            Description = description,
            CustomParser = result =>
            {
                if (long.TryParse(result.Tokens[0].Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) return number;
                result.AddError($"{name} \"{result.Tokens[0].Value}\" is no whole number.");
                return 0;
            },
        };
        return Add(member, option, parsed => parsed.GetValue(option));
    }

    public SettingsOptions Flag(string member, string name, string description)
    {
        var option = new Option<bool>(name) { HelpName = "true|false", Description = description };
        return Add(member, option, parsed => parsed.GetValue(option));
    }

    public SettingsOptions List(string member, string name, string helpName, string description)
    {
        var option = new Option<string[]>(name) { HelpName = helpName, Description = description + " May be repeated." };
        return Add(member, option, parsed => new JsonArray([.. parsed.GetValue(option)!.Select(v => JsonValue.Create(v))]));
    }

    /// <summary>A secret: read from a file, as arguments are seen by every user of the machine.</summary>
    public SettingsOptions Secret(string member, string name, string description)
    {
        var option = new Option<string>(name) { HelpName = "FILE", Description = description };
        return Add(member, option, parsed => SecretFile.Read(parsed.GetValue(option)!));
    }

    /// <summary>A time: as the API takes it, or so long from now.</summary>
    public SettingsOptions Time(string member, string name, string description)
    {
        var option = Times.Option(name, description + " 2030-01-31, 2030-01-31T12:00:00Z, or from now: 12h, 30d.", ahead: true);
        return Add(member, option, parsed => JsonValue.Create(parsed.GetValue(option)));
    }

    /// <summary>A member whose text is read into something else. The reader throws <see cref="FormatException"/> with what would be right.</summary>
    public SettingsOptions Items(string member, string name, string helpName, string description, Func<string, JsonNode> read)
    {
        var option = new Option<string[]>(name) { HelpName = helpName, Description = description + " May be repeated." };
        option.Validators.Add(result =>
        {
            foreach (var token in result.Tokens)
            {
                try
                {
                    read(token.Value);
                }
                catch (FormatException e)
                {
                    result.AddError($"{name} \"{token.Value}\": {e.Message}");
                }
            }
        });
        return Add(member, option, parsed => new JsonArray([.. parsed.GetValue(option)!.Select(read)]));
    }

    /// <summary>Lets a change take members back to what they are by default.</summary>
    public SettingsOptions Clearable()
    {
        _clear = new Option<string[]>("--clear") { HelpName = "MEMBER", Description = "Take a setting away: " + string.Join(", ", Members) + ". May be repeated." };
        _clear.AcceptOnlyFromAmong([.. Members]);
        return this;
    }

    /// <summary>What was given, and null for what is to be cleared.</summary>
    public JsonObject Read(ParseResult parsed)
    {
        var document = new JsonObject();
        foreach (var (member, option, read) in _members)
        {
            if (option is null || parsed.GetResult(option) is { Implicit: false }) document[member] = read(parsed);
        }

        foreach (var member in _clear is null ? [] : parsed.GetValue(_clear) ?? []) document[member] = null;
        return document;
    }

    /// <summary>A document as the record that it is of.</summary>
    public static T As<T>(JsonObject document) => document.Deserialize<T>(JsonSerializerOptions.Web)!;

    private SettingsOptions Add(string member, Option? option, Func<ParseResult, JsonNode?> read)
    {
        _members.Add((JsonNamingPolicy.CamelCase.ConvertName(member), option, read));
        return this;
    }
}

/// <summary>Times as people write them.</summary>
internal static class Times
{
    private static readonly TimeProvider s_time = TimeProvider.System;

    /// <summary>An option that takes a time: as the API does, or so long from now, ahead or back.</summary>
    public static Option<DateTimeOffset?> Option(string name, string description, bool ahead) => new(name)
    {
        HelpName = "TIME",
        Description = description,
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (TryRead(text, ahead, out var time)) return time;
            result.AddError($"{name} \"{text}\" is no time; 2030-01-31, 2030-01-31T12:00:00Z, 12h or 30d would be.");
            return null;
        },
    };

    private static bool TryRead(string text, bool ahead, out DateTimeOffset time)
    {
        if (text.Length > 1 && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count < 100_000)
        {
            TimeSpan? span = text[^1] switch { 'm' => TimeSpan.FromMinutes(count), 'h' => TimeSpan.FromHours(count), 'd' => TimeSpan.FromDays(count), _ => null };
            time = s_time.GetUtcNow() + (ahead ? 1 : -1) * (span ?? default);
            return span is not null;
        }

        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);
    }
}

/// <summary>Secrets from files; <c>-</c> is standard input.</summary>
internal static class SecretFile
{
    public static string Read(string path)
    {
        try
        {
            return (path == "-" ? Console.In.ReadToEnd() : File.ReadAllText(path)).TrimEnd('\r', '\n');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"{path} cannot be read: {e.Message}", ExitCodes.Usage);
        }
    }
}
