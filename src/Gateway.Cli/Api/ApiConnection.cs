using System.CommandLine;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Gateway.Contracts;

namespace Gateway.Cli.Api;

/// <summary>
/// Where a gateway's API is and with which token: the same two options for every command that asks it. The token comes from a file or the
/// environment, never from an argument, which every user of the machine could read.
/// </summary>
internal sealed class ApiConnection
{
    private static readonly Uri s_local = new("http://127.0.0.1:8080");

    private ApiConnection(Option<Uri> url, Option<FileInfo?> tokenFile) => (Url, TokenFile) = (url, tokenFile);

    private Option<Uri> Url { get; }

    private Option<FileInfo?> TokenFile { get; }

    /// <summary>Gives a command the options.</summary>
    public static ApiConnection AddTo(Command command)
    {
        var url = new Option<Uri>("--url")
        {
            Description = "Where the gateway is. Without it GATEWAY_URL, or http://127.0.0.1:8080.",
            HelpName = "URL",
            CustomParser = result =>
            {
                if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var given) && given.Scheme is "http" or "https") return given;
                result.AddError($"--url: {result.Tokens[0].Value} is no address of a gateway; http://127.0.0.1:8080 would be.");
                return null;
            },
            DefaultValueFactory = _ => Uri.TryCreate(Environment.GetEnvironmentVariable("GATEWAY_URL"), UriKind.Absolute, out var set) ? set : s_local,
        };
        var tokenFile = new Option<FileInfo?>("--token-file")
        {
            Description = "The file that holds the API token. Without it GATEWAY_TOKEN, the file in GATEWAY_TOKEN_FILE, or data/api-token.",
            HelpName = "FILE",
        };
        command.Options.Add(url);
        command.Options.Add(tokenFile);
        return new ApiConnection(url, tokenFile);
    }

    /// <summary>Asks with a JSON body and reads the answer; everything else ends the command with a sentence.</summary>
    public async Task<T> PostAsync<T>(ParseResult parsed, string path, object body, CancellationToken cancellationToken)
    {
        using var client = Open(parsed);
        try
        {
            using var answer = await client.PostAsJsonAsync($"api/v1/{path}", body, JsonSerializerOptions.Web, cancellationToken);
            if (answer.IsSuccessStatusCode) return (await answer.Content.ReadFromJsonAsync<T>(JsonSerializerOptions.Web, cancellationToken))!;
            throw await RefusalAsync(answer, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            throw new CommandException(e.InnerException is SocketException
                ? $"There is no gateway at {client.BaseAddress}: {e.InnerException.Message}. Start it, or say with --url where it is." : $"{client.BaseAddress}: {e.Message}", ExitCodes.Failed);
        }
        catch (JsonException)
        {
            throw new CommandException($"What {client.BaseAddress} answered is not of a gateway's API.", ExitCodes.Failed);
        }
    }

    /// <summary>Where it is and with which token, for what is no request.</summary>
    public (Uri Url, string Token) Read(ParseResult parsed) => (parsed.GetValue(Url)!, ReadToken(parsed.GetValue(TokenFile)));

    private HttpClient Open(ParseResult parsed)
    {
        var client = new HttpClient { BaseAddress = parsed.GetValue(Url), Timeout = TimeSpan.FromSeconds(30) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", ReadToken(parsed.GetValue(TokenFile)));
        return client;
    }

    private static string ReadToken(FileInfo? file)
    {
        if (file is null && Environment.GetEnvironmentVariable("GATEWAY_TOKEN") is { Length: > 0 } token) return token.Trim();
        var path = file?.FullName ?? Environment.GetEnvironmentVariable("GATEWAY_TOKEN_FILE") ?? Path.Combine("data", "api-token");
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"The API token cannot be read from {path}: {e.Message} Say with --token-file where it is.", ExitCodes.Usage);
        }
    }

    private static async Task<CommandException> RefusalAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        ApiProblem? problem = null;
        try
        {
            problem = await answer.Content.ReadFromJsonAsync<ApiProblem>(JsonSerializerOptions.Web, cancellationToken);
        }
        catch (JsonException)
        {
            // No gateway, or a proxy before it.
        }

        return new CommandException(problem?.Detail ?? $"The answer was {(int)answer.StatusCode} {answer.ReasonPhrase}.", (int)answer.StatusCode is 400 or 422 ? ExitCodes.Usage : ExitCodes.Failed);
    }
}
