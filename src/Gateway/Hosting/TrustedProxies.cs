using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using IPNetwork = System.Net.IPNetwork;

namespace Gateway.Hosting;

/// <summary>
/// Whose word counts for where a request came from (X-Forwarded-For, -Proto, -Host): the configured proxies' and nobody else's. Anybody could send
/// these headers, and limits and audit go by the address.
/// </summary>
internal static class TrustedProxies
{
    /// <summary>Reads addresses and prefixes, separated by commas or as a list.</summary>
    public static IReadOnlyList<IPNetwork> Read(IConfigurationSection section, List<string> errors)
    {
        var networks = new List<IPNetwork>();
        var given = section.GetChildren().Select(c => c.Value ?? "").Concat((section.Value ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        foreach (var text in given)
        {
            if (IPAddress.TryParse(text, out var address)) networks.Add(new IPNetwork(address, address.GetAddressBytes().Length * 8));
            else if (IPNetwork.TryParse(text, out var network)) networks.Add(network);
            else errors.Add($"{section.Path} has '{text}'; it is addresses and prefixes such as 10.0.0.5 and 10.1.0.0/16, separated by commas.");
        }

        return networks;
    }

    /// <summary>First of all, so that everything behind it sees the caller's address. Without proxies the headers are not looked at.</summary>
    public static void UseTrustedProxies(this WebApplication app)
    {
        if (app.Configuration["FORWARDEDHEADERS_ENABLED"] is "true" or "True")
            throw new StartupException("ASPNETCORE_FORWARDEDHEADERS_ENABLED would believe everybody's forwarded headers. Unset it, and name the proxies in Gateway:TrustedProxies.");
        var proxies = app.Services.GetRequiredService<GatewayOptions>().TrustedProxies;
        if (proxies.Count == 0) return;
        var options = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost, ForwardLimit = null };
        options.KnownIPNetworks.Clear();
        options.KnownProxies.Clear();
        foreach (var network in proxies) options.KnownIPNetworks.Add(network);
        app.UseForwardedHeaders(options);
    }
}
