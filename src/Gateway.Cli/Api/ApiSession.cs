using System.CommandLine;
using System.Net;
using System.Text.Json.Nodes;
using Gateway.Cli.Output;
using Gateway.Contracts;
using Gateway.Contracts.Client;

namespace Gateway.Cli.Api;

/// <summary>One run of a command: its arguments, the API, and where the answer goes.</summary>
internal sealed class ApiSession : IDisposable
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(100);

    private readonly ApiCommand _command;
    private readonly ParseResult _parsed;
    private readonly HttpClient _http;

    private ApiSession(ApiCommand command, ParseResult parsed, HttpClient http, CancellationToken stopped)
    {
        (_command, _parsed, _http, Stopped) = (command, parsed, http, stopped);
        Api = new GatewayClient(http);
        Output = parsed.InvocationConfiguration.Output;
        View = new View(Output);
    }

    public GatewayClient Api { get; }

    /// <summary>Cancelled by Ctrl+C.</summary>
    public CancellationToken Stopped { get; }

    public TextWriter Output { get; }

    public TextWriter Errors => _parsed.InvocationConfiguration.Error;

    public View View { get; }

    public string Address => _http.BaseAddress!.ToString().TrimEnd('/');

    public bool IsJson => _parsed.GetValue(_command.Json);

    public bool IsDryRun => _command.DryRun is { } option && _parsed.GetValue(option);

    public ChangeOptions Change => new() { DryRun = IsDryRun, IfMatch = _command.IfMatch is { } option ? ETag(_parsed.GetValue(option)) : null };

    public static ApiSession Open(ApiCommand command, ParseResult parsed, CancellationToken stopped) => new(command, parsed, command.Connection.Open(parsed, s_timeout), stopped);

    public T? Value<T>(Option<T> option) => _parsed.GetValue(option);

    public T Value<T>(Argument<T> argument) => _parsed.GetValue(argument)!;

    public JsonObject Settings(SettingsOptions settings) => settings.Read(_parsed);

    /// <summary>What was asked for; a refusal ends the command.</summary>
    public static T Take<T>(ApiResult<T> result) => Checked(result).Value ?? throw new CommandException("The API answered with nothing.", ExitCodes.Failed);

    /// <summary>The result, unless it is a refusal.</summary>
    public static ApiResult<T> Checked<T>(ApiResult<T> result) =>
        result.Problem is { } problem ? throw new CommandException(ProblemText.Of(problem), ExitCodes.Of((HttpStatusCode)result.Status)) : result;

    /// <summary>Shows one thing with all its members, or what a dry run found.</summary>
    public void Show<T>(ApiResult<T> result)
    {
        if (ShowAsIs(result)) return;
        if (JsonNode.Parse(result.Body) is { } document) View.Details(document);
    }

    /// <summary>Says in one sentence what was done, or shows what a dry run found.</summary>
    public void Say<T>(ApiResult<T> result, string sentence)
    {
        if (!ShowAsIs(result)) View.Sentence(sentence);
    }

    /// <summary>Says what was done to a thing, and shows the thing.</summary>
    public void SayAndShow<T>(ApiResult<T> result, Func<T, string> sentence)
    {
        if (ShowAsIs(result)) return;
        View.Sentence(sentence(result.Value!));
        View.Details(JsonNode.Parse(result.Body)!);
    }

    /// <summary>Lists all pages, or as many items as asked for.</summary>
    public async Task ListAsync<T>(Func<PageQuery, Task<ApiResult<Page<T>>>> read, params string[] columns)
    {
        var limit = _command.Limit is { } option ? _parsed.GetValue(option) : null;
        var result = Checked(await GatewayClient.ReadAllAsync(read, limit));
        if (IsJson) Output.WriteLine(result.Body);
        else View.Table(JsonNode.Parse(result.Body)!["items"]!.AsArray(), columns, more: result.Value!.NextCursor is not null);
    }

    /// <summary>All items of a list, for looking up what people call by name.</summary>
    public static async Task<IReadOnlyList<T>> AllAsync<T>(Func<PageQuery, Task<ApiResult<Page<T>>>> read) => Take(await GatewayClient.ReadAllAsync(read)).Items;

    public void Dispose() => _http.Dispose();

    private bool ShowAsIs<T>(ApiResult<T> result)
    {
        Checked(result);
        if (IsJson)
        {
            if (result.Body.Length > 0) Output.WriteLine(result.Body);
        }
        else if (result.Plan is { } plan)
        {
            View.Plan(plan);
        }
        else
        {
            return false;
        }

        return true;
    }

    // People copy the revision, which is the ETag without its quotes.
    private static string? ETag(string? given) => given is null || given.EndsWith('"') || given == "*" ? given : $"\"{given}\"";
}
