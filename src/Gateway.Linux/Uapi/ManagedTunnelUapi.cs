using Microsoft.Extensions.Logging;

namespace Gateway.Linux.Uapi;

/// <summary>
/// The UAPI of a tunnel that the gateway manages: <c>wg show</c> works, <c>wg set</c> is refused ("Operation not permitted"), since the next
/// change over the API would undo it.
/// </summary>
/// <param name="read">The tunnel as configured and as it is; null while it is not there.</param>
/// <param name="logger">Is told of refused changes.</param>
public sealed partial class ManagedTunnelUapi(Func<UapiDevice?> read, ILogger logger) : IUapiTarget
{
    /// <inheritdoc/>
    public UapiDevice? Read() => read();

    /// <inheritdoc/>
    public ValueTask<UapiError?> ChangeAsync(UapiChange change, CancellationToken cancellationToken)
    {
        LogRefused(read()?.Status.Name ?? "(closed)");
        return ValueTask.FromResult<UapiError?>(new UapiError(UapiError.NotPermitted, "the tunnel is managed by Gateway"));
    }

    [LoggerMessage(EventId = 4110, Level = LogLevel.Warning,
        Message = "A change of {Tunnel} by wg was refused: this tunnel is managed by Gateway, change it over the API or the dashboard.")]
    private partial void LogRefused(string tunnel);
}
