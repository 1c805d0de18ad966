using System.Globalization;
using Gateway.Hosting;

namespace Gateway.Features.Metrics;

/// <summary>The settings under <c>Gateway:Metrics:</c> and <c>Gateway:Otlp:</c>.</summary>
internal sealed record MetricsOptions
{
    private const int LargestPeerLimit = 10_000;

    /// <summary>
    /// How many peers have series of their own, the oldest first; the others are summed up as the peer "other", tunnel by tunnel. Default 200; 0 = none.
    /// A peer has about eight series.
    /// </summary>
    public int PeerLimit { get; init; } = 200;

    /// <summary>Where an OpenTelemetry collector takes metrics by OTLP over gRPC: http://127.0.0.1:4317. Default: nowhere.</summary>
    public Uri? OtlpEndpoint { get; init; }

    /// <summary>Reads both sections; tells all that is wrong at once. Throws <see cref="StartupException"/>.</summary>
    public static MetricsOptions Read(IConfiguration configuration)
    {
        var errors = new List<string>();
        var (metrics, otlp) = (configuration.GetSection("Gateway:Metrics"), configuration.GetSection("Gateway:Otlp"));
        foreach (var child in metrics.GetChildren().Where(c => !c.Key.Equals(nameof(PeerLimit), StringComparison.OrdinalIgnoreCase)))
            errors.Add($"{child.Path} is not a setting; under Gateway:Metrics there is PeerLimit.");
        foreach (var child in otlp.GetChildren().Where(c => !c.Key.Equals("Endpoint", StringComparison.OrdinalIgnoreCase)))
            errors.Add($"{child.Path} is not a setting; under Gateway:Otlp there is Endpoint.");
        var limit = 200;
        if (metrics[nameof(PeerLimit)] is { } text && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit > LargestPeerLimit))
            errors.Add($"Gateway:Metrics:PeerLimit is '{text}'; it is a whole number from 0 to {LargestPeerLimit}.");
        Uri? endpoint = null;
        if (otlp["Endpoint"] is { Length: > 0 } url && (!Uri.TryCreate(url, UriKind.Absolute, out endpoint) || endpoint.Scheme is not ("http" or "https")))
            errors.Add($"Gateway:Otlp:Endpoint is '{url}'; it is the address of a collector, such as http://127.0.0.1:4317.");
        return errors.Count == 0 ? new MetricsOptions { PeerLimit = limit, OtlpEndpoint = endpoint } : throw new StartupException(string.Join(Environment.NewLine, errors));
    }
}
