using System.Net;

namespace Gateway.Hosting;

/// <summary>
/// Checks what <c>--urls</c> says before Kestrel reads it: for Kestrel any host that is no address means every address, so that a mistyped
/// <c>http://127.0.0.1:8099x</c> would be open to the whole network.
/// </summary>
internal static class ListenUrls
{
    /// <summary>Throws <see cref="StartupException"/> that names the part that is wrong.</summary>
    public static void Check(string? urls)
    {
        var wrong = (urls ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault(url => !IsClear(url));
        if (wrong is not null)
            throw new StartupException($"'{wrong}' is no address to listen on: it is http://ADDRESS:PORT with an IP address, localhost, or * for every address, such as {GatewayHost.DefaultUrl}.");
    }

    private static bool IsClear(string url)
    {
        BindingAddress address;
        try
        {
            address = BindingAddress.Parse(url);
        }
        catch (FormatException)
        {
            return false;
        }

        return address.IsUnixPipe || address.Host is "localhost" or "*" or "+" || IPAddress.TryParse(address.Host.Trim('[', ']'), out _);
    }
}
