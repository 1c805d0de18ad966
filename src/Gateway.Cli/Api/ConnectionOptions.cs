using System.CommandLine;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace Gateway.Cli.Api;

/// <summary>
/// Where a gateway's API is and with which token. The token comes from a file or the environment, never from an argument, which every user of the
/// machine could read.
/// </summary>
internal sealed class ConnectionOptions
{
    private const string LocalUrl = "http://127.0.0.1:8080";
    private const string UnixScheme = "http://unix:";

    // Where `make run` and the packages keep it.
    private static readonly string[] s_tokenFiles = ["data/api-token", "/data/api-token", "/var/lib/gateway/api-token"];

    public Option<string?> Url { get; } = new("--url")
    {
        HelpName = "URL",
        Description = $"Where the gateway is, also http://unix:/PATH. Without it GATEWAY_URL, or {LocalUrl}.",
    };

    public Option<string?> TokenFile { get; } = new("--token-file")
    {
        HelpName = "FILE",
        Description = "The file with the API token. Without it GATEWAY_TOKEN, the file named by GATEWAY_TOKEN_FILE, or the api-token of the data directory.",
    };

    public Option<string?> Certificate { get; } = new("--certificate")
    {
        HelpName = "FILE",
        Description = "The certificate that the gateway shows, where nobody vouches for it: its file (https.pem of the data directory), or its SHA-256. Without it GATEWAY_CERTIFICATE.",
    };

    /// <summary>Gives a command the options.</summary>
    public static ConnectionOptions AddTo(Command command)
    {
        var connection = new ConnectionOptions();
        command.Options.Add(connection.Url);
        command.Options.Add(connection.TokenFile);
        command.Options.Add(connection.Certificate);
        return connection;
    }

    /// <summary>Address, token and certificate, for what makes its own connection; that cannot be a Unix socket. Throws <see cref="CommandException"/>.</summary>
    public (Uri Url, string Token, PinnedCertificate? Certificate) Read(ParseResult parsed)
    {
        var (address, socket) = ReadAddress(parsed);
        return socket is null ? (address, ReadToken(parsed), ReadCertificate(parsed)) : throw new CommandException($"This goes over http or https, and not over the Unix socket {socket}.", ExitCodes.Usage);
    }

    /// <summary>A client that knows address and token. Throws <see cref="CommandException"/>.</summary>
    public HttpClient Open(ParseResult parsed, TimeSpan timeout)
    {
        var (address, socket) = ReadAddress(parsed);
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false };
        if (ReadCertificate(parsed) is { } certificate) handler.SslOptions.RemoteCertificateValidationCallback = certificate.Allows;
        if (socket is not null) handler.ConnectCallback = (_, cancellationToken) => ConnectAsync(socket, cancellationToken);
        return new HttpClient(handler) { BaseAddress = address, Timeout = timeout, DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", ReadToken(parsed)) } };
    }

    private (Uri Address, string? Socket) ReadAddress(ParseResult parsed)
    {
        var url = parsed.GetValue(Url) ?? Variable("GATEWAY_URL") ?? LocalUrl;
        var socket = url.StartsWith(UnixScheme, StringComparison.OrdinalIgnoreCase) ? url[UnixScheme.Length..].TrimEnd('/') : null;
        return Uri.TryCreate(socket is null ? url.TrimEnd('/') + "/" : "http://localhost/", UriKind.Absolute, out var address) && address.Scheme is ("http" or "https")
            ? (address, socket) : throw new CommandException($"\"{url}\" is no address of a gateway; {LocalUrl} would be.", ExitCodes.Usage);
    }

    private PinnedCertificate? ReadCertificate(ParseResult parsed) => parsed.GetValue(Certificate) is { } given ? PinnedCertificate.Read(given, "--certificate")
        : Variable("GATEWAY_CERTIFICATE") is { } set ? PinnedCertificate.Read(set, "GATEWAY_CERTIFICATE") : null;

    private string ReadToken(ParseResult parsed)
    {
        var named = parsed.GetValue(TokenFile);
        if (named is null && Variable("GATEWAY_TOKEN") is { } token) return Check(token.Trim(), "GATEWAY_TOKEN");
        named ??= Variable("GATEWAY_TOKEN_FILE");
        foreach (var path in named is null ? s_tokenFiles : [named])
        {
            try
            {
                return Check(File.ReadAllText(path).Trim(), path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                if (named is not null) throw new CommandException($"The API token cannot be read from {path}: {e.Message}", ExitCodes.Usage);
            }
        }

        throw new CommandException("There is no API token. Say with --token-file, GATEWAY_TOKEN_FILE or GATEWAY_TOKEN where it is; the first one is in the file api-token of the data directory.", ExitCodes.Usage);
    }

    private static string Check(string token, string source) => token.Length > 0 && token.All(c => c is > ' ' and <= '~') ? token
        : throw new CommandException($"What {source} holds is no API token: it is one line of visible ASCII characters without blanks.", ExitCodes.Usage);

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
