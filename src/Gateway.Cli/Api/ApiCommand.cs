using System.CommandLine;
using System.Globalization;

namespace Gateway.Cli.Api;

/// <summary>A command that asks the API. It names the operations of the OpenAPI document that it calls, so that a test finds those without a command.</summary>
internal sealed class ApiCommand : Command
{
    public ApiCommand(string name, string description, params string[] operations)
        : base(name, description)
    {
        Operations = operations;
        Connection = ConnectionOptions.AddTo(this);
        Options.Add(Json);
    }

    /// <summary>Operation ids.</summary>
    public IReadOnlyList<string> Operations { get; }

    /// <summary>Where the gateway is.</summary>
    public ConnectionOptions Connection { get; }

    /// <summary>Whether to print the API's own JSON.</summary>
    public Option<bool> Json { get; } = new("--json") { Description = "Print what the API answers, as JSON." };

    /// <summary>Whether to try only; null where the command changes nothing that can be tried.</summary>
    public Option<bool>? DryRun { get; private set; }

    /// <summary>The ETag that the change depends on; null where it takes none.</summary>
    public Option<string?>? IfMatch { get; private set; }

    /// <summary>How many to list; null where it lists nothing.</summary>
    public Option<int?>? Limit { get; private set; }

    /// <summary>The members of the document that it sends; null where it sends none.</summary>
    public SettingsOptions? Settings { get; private set; }

    /// <summary>Gives the options of a change.</summary>
    public ApiCommand Changing(bool existing = true)
    {
        Options.Add(DryRun = new Option<bool>("--dry-run") { Description = "Change nothing; show what would change." });
        if (existing) Options.Add(IfMatch = new Option<string?>("--if-match") { HelpName = "ETAG", Description = "Change it only if it is still the one with this ETag." });
        return this;
    }

    /// <summary>Gives the options of a list.</summary>
    /// <param name="standard">How many to list unless told; null = all.</param>
    public ApiCommand Listing(int? standard = null)
    {
        Options.Add(Limit = new Option<int?>("--limit") { HelpName = "N", Description = $"The most to list; without it {standard?.ToString(CultureInfo.InvariantCulture) ?? "all"}.", DefaultValueFactory = _ => standard });
        Limit.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && !(int.TryParse(text, out var count) && count > 0)) result.AddError($"--limit \"{text}\" is no number above 0.");
        });
        return this;
    }

    /// <summary>The answer is no JSON.</summary>
    public ApiCommand WithoutJson()
    {
        Options.Remove(Json);
        return this;
    }

    /// <summary>Gives arguments and options.</summary>
    public ApiCommand With(params Symbol[] symbols)
    {
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument) Arguments.Add(argument);
            else Options.Add((Option)symbol);
        }

        return this;
    }

    /// <summary>Gives the options that make the document it sends.</summary>
    public ApiCommand Taking(SettingsOptions settings)
    {
        Settings = settings;
        return With(settings.Symbols);
    }

    /// <summary>Gives what it does.</summary>
    public ApiCommand Does(Func<ApiSession, Task> run) => Does(async session =>
    {
        await run(session);
        return ExitCodes.Ok;
    });

    /// <summary>Gives what it does, with the exit code as its answer.</summary>
    public ApiCommand Does(Func<ApiSession, Task<int>> run)
    {
        SetAction(async (parsed, cancellationToken) =>
        {
            using var session = ApiSession.Open(this, parsed, cancellationToken);
            try
            {
                return await run(session);
            }
            catch (HttpRequestException e)
            {
                throw new CommandException($"No gateway answers at {session.Address}: {(e.InnerException ?? e).Message}{PinnedCertificate.Hint(e)} Start it, or say with --url where it is.", ExitCodes.Unreachable);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw new CommandException($"{session.Address} did not answer in time.", ExitCodes.Unreachable);
            }
        });
        return this;
    }
}
