using System.Runtime.CompilerServices;
using Gateway.Contracts.Lab;
using Gateway.Features.Lab;

namespace Gateway.Tests.Lab;

/// <summary>A lab in memory: as make lab leaves it, every ping is answered, and no packet passes.</summary>
internal sealed class FakeLabHosts : ILabHosts
{
    /// <summary>Which client runs on U.</summary>
    public string? Client { get; set; } = LabClients.WireGuard;

    public List<(string Host, LabHelperRequest Request)> Asked { get; } = [];

    public Task<LabHelperAnswer> AskAsync(string host, LabHelperRequest request, CancellationToken cancellationToken)
    {
        lock (Asked) Asked.Add((host, request));
        if (request.Action == LabActions.StartClient) Client = request.Value;
        if (request.Action == LabActions.StopClient) Client = null;
        return Task.FromResult(new LabHelperAnswer { Received = request.Count, Ttl = 63, State = StateOf(host), Command = request.Action });
    }

    public async IAsyncEnumerable<LabCaptureLine> CaptureAsync(string host, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            yield return new LabCaptureLine { UpTo = TimeProvider.System.GetUtcNow().UtcTicks };
            await Task.Delay(5, cancellationToken);
        }
    }

    private LabHostState StateOf(string host) => host switch
    {
        LabHosts.U => new(Client, [new LabDevice("host-u", ["UP"], ["192.168.53.99/32"])], ["192.168.60.0/24 dev host-u scope link"]),
        LabHosts.V => new(null, [], ["default via 192.168.60.1 dev eth0"]),
        _ => new(null, [], ["10.0.2.0/24 dev eth0"]),
    };
}
