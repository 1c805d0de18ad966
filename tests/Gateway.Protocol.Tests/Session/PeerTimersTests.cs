using Gateway.Protocol.Tests.Simulation;

namespace Gateway.Protocol.Tests.Session;

public sealed class PeerTimersTests
{
    private static readonly TimeSpan Unanswered = TimeSpan.FromSeconds(15);

    [Fact]
    public void SteadyTraffic_BothWays_AsksForServiceOnlyWhenSomethingIsDueEarlier()
    {
        using var net = new Network(1);
        var keys = Establish(net);
        var asked = 0;
        for (var packet = 0; packet < 100_000; packet++)
        {
            // 10 kpps for 10 s, an answer to each.
            var now = net.Now.Monotonic + TimeSpan.FromTicks(packet * 1000L);
            var asks = net.A.Peer.NoteSent(keys, true, now);
            asks |= net.A.Peer.NoteReceived(keys, true, now + TimeSpan.FromTicks(500));
            if (!asks)
                continue;
            asked++;
            net.A.Peer.Service(new Moment(now, net.Now.Utc));
        }

        Assert.InRange(asked, 1, 10);
    }

    [Fact]
    public void Notes_OfSteadyTraffic_AllocateNothing()
    {
        using var net = new Network(2);
        var keys = Establish(net);
        void Exchange(int packet)
        {
            var now = net.Now.Monotonic + TimeSpan.FromTicks(packet * 1000L);
            net.A.Peer.NoteSent(keys, true, now);
            net.A.Peer.NoteReceived(keys, true, now);
            net.A.Device.FindKeyPair(keys.LocalIndex);
            keys.TryReserve(3, now, out _);
        }

        Exchange(0);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var packet = 1; packet < 1000; packet++)
            Exchange(packet);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void NoteDuringService_OnAnotherThread_EitherAsksOrIsInTheDeadline()
    {
        const int Rounds = 10_000;
        using var net = new Network(3);
        var keys = Establish(net);
        var peer = net.A.Peer;
        using var barrier = new Barrier(2);
        var asked = new bool[Rounds];
        var start = net.Now.Monotonic;
        Instant At(int round) => start + TimeSpan.FromTicks(round * 10L);

        var sender = new Thread(() =>
        {
            for (var round = 0; round < Rounds; round++)
            {
                barrier.SignalAndWait();
                asked[round] = peer.NoteSent(keys, true, At(round) + TimeSpan.FromTicks(5));
                barrier.SignalAndWait();
            }
        });
        sender.Start();
        var deadlines = new Instant[Rounds];
        for (var round = 0; round < Rounds; round++)
        {
            // A keepalive is due in 10 s. The packet sent below makes it needless and arms the 15 s instead: later than what is published,
            // so the sender does not ask, and a service that saw only half of it would publish a deadline far away.
            peer.NoteReceived(keys, true, At(round));
            peer.Service(new Moment(At(round), net.Now.Utc));
            barrier.SignalAndWait();
            Thread.SpinWait(round % 40);
            deadlines[round] = peer.Service(new Moment(At(round), net.Now.Utc));
            barrier.SignalAndWait();
        }

        sender.Join();
        for (var round = 0; round < Rounds; round++)
            Assert.True(asked[round] || deadlines[round] <= At(round) + Unanswered + TimeSpan.FromTicks(5), $"Lost in round {round}.");
    }

    [Fact]
    public async Task Service_WhileASenderOfARestartedSessionGoesOnWishing_Returns()
    {
        using var net = new Network(4);
        Establish(net);
        var peer = net.A.Peer;
        // No keys, and the next initiation not before 5 s after the last: every packet is a wish that cannot be granted now.
        peer.SetPresharedKey(PresharedKey.Generate(new SeededRandom(4)), net.Now);
        Assert.Null(peer.SendKeys);
        var start = net.Now.Monotonic;
        var wishing = true;
        var sender = new Thread(() =>
        {
            for (var packet = 0; Volatile.Read(ref wishing); packet++)
                peer.NoteWaiting(start + TimeSpan.FromTicks(packet));
        });
        sender.Start();
        try
        {
            await Task.Run(() =>
            {
                for (var round = 0; round < 1000; round++)
                    Assert.True(peer.Service(net.Now) > start);
            }).WaitAsync(TimeSpan.FromSeconds(30));
        }
        finally
        {
            Volatile.Write(ref wishing, false);
            sender.Join();
        }
    }

    [Fact]
    public void Service_WhereAWishFollowsEveryFailure_ReturnsAndIsAskedForAgain()
    {
        using var net = new Network(5);
        net.A.EndpointKnown = false;
        var first = new Instant(net.Now.Monotonic.Ticks - 100);
        var wishes = 0;
        var asked = false;
        net.A.OnGivenUp = () =>
        {
            Assert.True(++wishes < 10, "Service goes round and round.");
            asked = net.A.Peer.NoteWaiting(first + TimeSpan.FromTicks(wishes));
        };

        net.A.Peer.NoteWaiting(first);
        net.A.Peer.Service(net.Now);

        Assert.True(asked, "The last wish is served by this round or asks for the next.");
    }

    [Fact]
    public void Wish_ForAPeerWhoseKeyHasLowOrder_IsTriedOnceInFiveSeconds()
    {
        using var net = new Network(6);
        var lowOrder = net.A.Device.AddPeer(new PublicKey([1, .. new byte[31]]), null, TimeSpan.Zero)!;
        net.A.GivenUpBy.Clear();
        for (var packet = 0; packet < 100; packet++)
        {
            lowOrder.NoteWaiting(net.Now.Monotonic + TimeSpan.FromMilliseconds(packet));
            lowOrder.Service(new Moment(net.Now.Monotonic + TimeSpan.FromMilliseconds(packet), net.Now.Utc));
        }

        Assert.Single(net.A.GivenUpBy);
    }

    private static KeyPair Establish(Network net)
    {
        net.A.Send(1);
        net.Run(TimeSpan.FromSeconds(1));
        return net.A.Peer.SendKeys!;
    }
}
