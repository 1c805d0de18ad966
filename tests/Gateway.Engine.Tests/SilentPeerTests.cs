using System.Net;
using Gateway.Testing;
using Xunit;

namespace Gateway.Engine.Tests;

/// <summary>A peer that does not answer is told of, and can be tried elsewhere.</summary>
public class SilentPeerTests
{
    [Fact]
    public async Task Peer_NotAnsweringThreeInitiations_IsReportedAndReachedWhereItIsMovedTo()
    {
        await using var pair = await Pair.StartAsync();
        var peer = pair.UConfig.Peers[0];
        await pair.U.ApplyAsync([pair.UConfig with { Peers = [peer with { Endpoint = IPEndPoint.Parse("10.0.2.99:51820") }] }]);
        var packet = TestPackets.Udp("192.168.53.99", "192.168.60.101", "is anybody there"u8);
        pair.UDevice.SendPacket(packet);

        await UntilSilent(pair);
        pair.U.MoveEndpoint(pair.UConfig.Id, peer.Id, IPEndPoint.Parse("10.0.2.8:51820"));

        await Pair.UntilAsync(() => pair.U.GetPeer(pair.UConfig.Id, peer.Id)!.Endpoint!.Address.ToString() == "10.0.2.8", "the new endpoint");
        pair.Time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(packet, await Pair.ReceiveAsync(pair.GatewayDevice));
    }

    private static async Task UntilSilent(Pair pair)
    {
        using var deadline = new CancellationTokenSource(Pair.Deadline);
        var events = pair.U.Events.ReadAllAsync(deadline.Token).GetAsyncEnumerator(deadline.Token);
        var silent = Task.Run(async () =>
        {
            while (await events.MoveNextAsync())
            {
                if (events.Current.Kind == DataPlaneEventKind.PeerSilent) return;
            }
        }, deadline.Token);
        // Initiations are repeated every 5 s, with some jitter.
        await Pair.UntilAsync(() =>
        {
            if (!silent.IsCompleted) pair.Time.Advance(TimeSpan.FromMilliseconds(500));
            return silent.IsCompleted;
        }, "the peer counted as silent");
    }
}
