using System.Buffers.Binary;
using Gateway.Protocol.Tests.Simulation;

namespace Gateway.Protocol.Tests;

/// <summary>One test, at least, for each thing that implementers of WireGuard are known to have got wrong.</summary>
public sealed class TrapsTests
{
    private static readonly byte[] Source = [192, 0, 2, 1];
    private static readonly TimeSpan RoundTrip = TimeSpan.FromMilliseconds(20);

    // Sizes and formats

    [Fact]
    public void Messages_OnTheWire_HaveTheSpecifiedTypesAndSizes()
    {
        using var net = new Network(1);
        var seen = new List<(uint Type, int Length)>();
        net.Passes = (_, datagram) =>
        {
            seen.Add((BinaryPrimitives.ReadUInt32LittleEndian(datagram), datagram.Length));
            return true;
        };
        net.B.Device.UnderLoad = true;
        net.A.Send(1);
        net.Run(TimeSpan.FromSeconds(7));
        // initiation, cookie, initiation, response, the packet padded to 16 (which confirms the keys), keepalive
        Assert.Equal([(1, 148), (3, 64), (1, 148), (2, 92), (4, 16 + 16 + 16), (4, 32)], seen);
    }

    [Fact]
    public void DataMessage_Header_IsLittleEndian()
    {
        using var net = new Network(2);
        var session = Establish(net);
        Assert.True(session.TryReserve(3, net.Now.Monotonic, out var first));
        var message = new byte[KeyPair.OverheadBytes];
        session.Seal(first + 2, default, message);
        Assert.Equal((byte[])[4, 0, 0, 0], message[..4]);
        Assert.NotNull(net.B.Device.FindKeyPair(BinaryPrimitives.ReadUInt32LittleEndian(message.AsSpan(4))));
        Assert.Equal(first + 2, BinaryPrimitives.ReadUInt64LittleEndian(message.AsSpan(8)));
    }

    [Fact]
    public void Keepalive_IsADataMessageOfLengthZero()
    {
        using var net = new Network(3);
        var session = Establish(net);
        session.TryReserve(1, net.Now.Monotonic, out var counter);
        var message = new byte[KeyPair.OverheadBytes];
        session.Seal(counter, default, message);
        Assert.Equal(OpenResult.Ok, OtherEnd(net.B, message).TryOpen(message, net.Now.Monotonic, out var length));
        Assert.Equal(0, length);
    }

    [Fact]
    public void DataMessage_NotPaddedTo16BecauseOfTheMtu_IsOpened()
    {
        using var net = new Network(4);
        var session = Establish(net);
        session.TryReserve(1, net.Now.Monotonic, out var counter);
        var message = new byte[1420 + KeyPair.OverheadBytes];
        session.Seal(counter, new byte[1420], message);
        Assert.NotEqual(0, 1420 % 16);
        Assert.Equal(OpenResult.Ok, OtherEnd(net.B, message).TryOpen(message, net.Now.Monotonic, out var length));
        Assert.Equal(1420, length);
    }

    [Fact]
    public void Oversized_DatagramOfAnyType_IsRefusedWithoutACrash()
    {
        using var net = new Network(5);
        Establish(net);
        var index = net.B.Peer.SendKeys!.LocalIndex;
        foreach (var length in (int[])[149, 1500, 65_535, 200_000])
        {
            var datagram = new byte[length];
            for (uint type = 0; type < 6; type++)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(datagram, type);
                BinaryPrimitives.WriteUInt32LittleEndian(datagram.AsSpan(4), index);
                Assert.Equal(HandshakeResult.Malformed, net.B.Device.Receive(datagram, Source, 1, net.Now, new byte[148]).Result);
                Assert.NotEqual(OpenResult.Ok, net.B.Peer.SendKeys!.TryOpen(datagram.ToArray(), net.Now.Monotonic, out _));
            }
        }
    }

    // Timers

    [Fact]
    public void Rekey_ByTheInitiatorOnSend_At120Seconds()
    {
        using var net = new Network(6);
        Establish(net);
        net.Run(TimeSpan.FromSeconds(119) - RoundTrip - TimeSpan.FromSeconds(1));
        net.A.Send(1);
        Assert.Equal(1, net.A.InitiationsSent);
        net.Run(TimeSpan.FromSeconds(2));
        var old = net.A.Peer.SendKeys;
        net.A.Send(2);
        Assert.Equal(2, net.A.InitiationsSent);
        net.Run(RoundTrip * 2);
        Assert.NotSame(old, net.A.Peer.SendKeys);
        Assert.Equal(3, net.B.Delivered.Count);
    }

    [Fact]
    public void Rekey_ByTheResponderOnSend_IsLeftToTheInitiator()
    {
        using var net = new Network(7);
        var atA = Establish(net);
        var atB = net.B.Peer.SendKeys!;
        var late = atA.Created + TimeSpan.FromSeconds(150);
        Assert.False(net.B.Peer.NoteSent(atB, false, late));
        Assert.True(net.A.Peer.NoteSent(atA, false, late));
    }

    [Fact]
    public void Rekey_ByTheInitiatorOnReceive_OnceAt165Seconds()
    {
        using var net = new Network(8);
        Establish(net);
        net.A.IsMute = true;
        var established = net.A.Peer.SendKeys!.Created;
        void Tick()
        {
            net.B.Send(1);
            net.At(TimeSpan.FromSeconds(1), Tick);
        }

        // B's own 15 s timer would start handshakes too; they are kept from A.
        net.Passes = (_, datagram) => datagram[0] == 4;
        Tick();
        net.Run(TimeSpan.FromSeconds(179));
        Assert.InRange((net.A.InitiationTimes[1] - established).TotalSeconds, 165, 166);
        // Only retries of that one, none for each further packet.
        Assert.All(net.A.InitiationTimes.Skip(1).Zip(net.A.InitiationTimes.Skip(2), (a, b) => (b - a).TotalSeconds), gap => Assert.True(gap >= 5));
    }

    [Fact]
    public void Keys_After180Seconds_NeitherSealNorOpen()
    {
        using var net = new Network(9);
        var session = Establish(net);
        var created = session.Created;
        session.TryReserve(2, net.Now.Monotonic, out var counter);
        byte[] early = new byte[KeyPair.OverheadBytes], late = new byte[KeyPair.OverheadBytes];
        session.Seal(counter, default, early);
        session.Seal(counter + 1, default, late);
        var other = OtherEnd(net.B, early);
        Assert.True(session.TryReserve(1, created + TimeSpan.FromSeconds(179.9), out _));
        Assert.False(session.TryReserve(1, created + TimeSpan.FromSeconds(180), out _));
        Assert.Equal(OpenResult.Ok, other.TryOpen(early, other.Created + TimeSpan.FromSeconds(179.9), out _));
        Assert.Equal(OpenResult.Expired, other.TryOpen(late, other.Created + TimeSpan.FromSeconds(180), out _));
    }

    [Fact]
    public void Keys_After540Seconds_AreErased()
    {
        using var net = new Network(10);
        Establish(net);
        net.Run(TimeSpan.FromSeconds(538));
        Assert.NotNull(net.A.Peer.SendKeys);
        Assert.Equal(0, net.A.Retired);
        net.Run(TimeSpan.FromSeconds(3));
        Assert.Null(net.A.Peer.SendKeys);
        Assert.Equal(1, net.A.Retired);
        Assert.Null(net.B.Peer.SendKeys);
    }

    [Fact]
    public void Handshake_Unanswered_IsRetriedEvery5SecondsWithJitterAndGivenUpAfter90()
    {
        using var net = new Network(11) { Loss = 1 };
        net.A.Send(1);
        net.Run(TimeSpan.FromMinutes(10));
        var gaps = net.A.InitiationTimes.Zip(net.A.InitiationTimes.Skip(1), (a, b) => (b - a).TotalSeconds).ToList();
        Assert.All(gaps, gap => Assert.InRange(gap, 5, 5.3331));
        Assert.True(gaps.Distinct().Count() > 5, "Retries must be spread.");
        Assert.InRange((net.A.InitiationTimes[^1] - net.A.InitiationTimes[0]).TotalSeconds, 84, 90);
        Assert.Equal(1, net.A.GivenUp);
        Assert.Equal(0, net.A.Waiting);
        Assert.Equal(Instant.Infinity, net.A.Deadline);
    }

    [Fact]
    public void Handshake_StillWanted_IsNotGivenUpAfter90Seconds()
    {
        using var net = new Network(12) { Loss = 1 };
        void Tick()
        {
            net.A.Send(1);
            net.At(TimeSpan.FromSeconds(20), Tick);
        }

        Tick();
        net.Run(TimeSpan.FromSeconds(300));
        Assert.Equal(0, net.A.GivenUp);
        Assert.InRange(net.A.InitiationsSent, 300 / 5.34, 61);
    }

    [Fact]
    public void SentData_UnansweredFor15Seconds_StartsAHandshake()
    {
        using var net = new Network(13);
        Establish(net);
        net.Run(TimeSpan.FromSeconds(20));
        net.Loss = 1;
        var sent = net.Now.Monotonic;
        net.A.Send(1);
        net.Run(TimeSpan.FromSeconds(10));
        net.A.Send(2);
        net.Run(TimeSpan.FromSeconds(10));
        Assert.Equal(sent + TimeSpan.FromSeconds(15), net.A.InitiationTimes[1]);
    }

    [Fact]
    public void ReceivedData_Unanswered_GetsOneKeepaliveAfter10SecondsAndNoPingPong()
    {
        using var net = new Network(14);
        Establish(net);
        net.Run(TimeSpan.FromSeconds(30));
        var (fromA, fromB) = (net.A.KeepalivesSent, net.B.KeepalivesSent);
        net.A.Send(1);
        net.Run(TimeSpan.FromSeconds(9.9));
        Assert.Equal(fromB, net.B.KeepalivesSent);
        net.Run(TimeSpan.FromSeconds(0.2));
        Assert.Equal(fromB + 1, net.B.KeepalivesSent);
        net.Run(TimeSpan.FromSeconds(300));
        Assert.Equal((fromA, fromB + 1), (net.A.KeepalivesSent, net.B.KeepalivesSent));
        Assert.Equal(1, net.A.InitiationsSent);
    }

    [Fact]
    public void PersistentKeepalive_TurnedOn_SendsAtOnceAndThenEveryIntervalOfSilence()
    {
        using var net = new Network(15);
        net.A.Peer.SetPersistentKeepalive(TimeSpan.FromSeconds(25), net.Now);
        net.A.Serve();
        net.Run(TimeSpan.FromSeconds(1));
        Assert.NotNull(net.A.Peer.SendKeys);
        Assert.NotNull(net.B.Peer.SendKeys);
        var before = net.A.KeepalivesSent;
        net.Run(TimeSpan.FromSeconds(24.5));
        Assert.Equal(before + 1, net.A.KeepalivesSent);
        net.Run(TimeSpan.FromHours(1));
        // Each rekeying is itself a sign of life and shifts the next.
        Assert.InRange(net.A.KeepalivesSent, 3600 / 25 - 5, 3600 / 25 + 35);
        Assert.InRange(net.A.InitiationsSent, 3600 / 130, 3600 / 120 + 1);
        net.A.Peer.SetPersistentKeepalive(TimeSpan.Zero, net.Now);
        net.A.Serve();
        net.Run(TimeSpan.FromMinutes(20));
        Assert.Equal(Instant.Infinity, net.A.Deadline);
    }

    [Fact]
    public void PersistentKeepalive_PeerUnreachable_KeepsTrying()
    {
        using var net = new Network(16, keepaliveOfA: TimeSpan.FromSeconds(25)) { Loss = 1 };
        net.Run(TimeSpan.FromHours(1));
        Assert.True(net.A.GivenUp > 20);
        net.Loss = 0;
        Assert.True(net.RunUntil(TimeSpan.FromSeconds(26), () => net.B.Peer.SendKeys is not null));
    }

    [Fact]
    public void PersistentKeepalive_NoEndpoint_CostsNoHandshakes()
    {
        using var net = new Network(17);
        net.A.EndpointKnown = false;
        net.A.Peer.SetPersistentKeepalive(TimeSpan.FromSeconds(25), net.Now);
        net.A.Serve();
        net.Run(TimeSpan.FromHours(1));
        Assert.Equal(0, net.A.InitiationsSent);
    }

    // Limits and the replay window

    [Fact]
    public void MessageLimits_RekeyAfter2To60_RejectAtTheEnd()
    {
        using var net = new Network(18);
        var session = Establish(net);
        net.Run(TimeSpan.FromSeconds(10));
        session.NextCounter = 1UL << 60;
        Assert.True(session.TryReserve(1, net.Now.Monotonic, out _));
        Assert.True(net.A.Peer.NoteSent(session, true, net.Now.Monotonic));
        net.A.Serve();
        Assert.Equal(2, net.A.InitiationsSent);

        const ulong Limit = ulong.MaxValue - 8192;
        session.NextCounter = Limit - 2;
        Assert.False(session.TryReserve(3, net.Now.Monotonic, out _));
        Assert.True(session.TryReserve(2, net.Now.Monotonic, out var last));
        Assert.Equal(Limit - 2, last);
        Assert.False(session.TryReserve(1, net.Now.Monotonic, out _));
    }

    [Fact]
    public void MessageLimit_OnTheReceivingSide_IsEnforcedToo()
    {
        using var net = new Network(19);
        var session = Establish(net);
        var message = new byte[KeyPair.OverheadBytes];
        session.Seal(ulong.MaxValue - 8192, default, message);
        Assert.Equal(OpenResult.Expired, OtherEnd(net.B, message).TryOpen(message, net.Now.Monotonic, out _));
    }

    [Fact]
    public void ReplayWindow_ForgedCounter_DoesNotMoveIt()
    {
        using var net = new Network(20);
        var session = Establish(net);
        session.TryReserve(1, net.Now.Monotonic, out var counter);
        var genuine = new byte[KeyPair.OverheadBytes];
        session.Seal(counter, default, genuine);
        var forged = genuine.ToArray();
        BinaryPrimitives.WriteUInt64LittleEndian(forged.AsSpan(8), counter + 1_000_000);
        var other = OtherEnd(net.B, genuine);
        Assert.Equal(OpenResult.BadTag, other.TryOpen(forged, net.Now.Monotonic, out _));
        Assert.Equal(OpenResult.Ok, other.TryOpen(genuine.ToArray(), net.Now.Monotonic, out _));
        Assert.Equal(OpenResult.Replay, other.TryOpen(genuine, net.Now.Monotonic, out _));
    }

    // Hand-over of keys

    [Fact]
    public void Responder_SendsOnTheNewKeysOnlyAfterItReceivedOnThem()
    {
        using var net = new Network(21);
        var old = Establish(net);
        var oldAtB = net.B.Peer.SendKeys;
        net.Run(TimeSpan.FromSeconds(10));
        net.Passes = (from, datagram) => from != net.A || datagram[0] == 1;
        net.A.Peer.StartHandshake(net.Now);
        net.A.Serve();
        net.Run(TimeSpan.FromSeconds(1));
        Assert.NotSame(old, net.A.Peer.SendKeys);
        Assert.Same(oldAtB, net.B.Peer.SendKeys);
        // What B sends on the old keys still opens at A.
        net.B.Send(7);
        net.Run(RoundTrip);
        Assert.Equal(7, net.A.Delivered[^1][0]);
        net.Passes = (_, _) => true;
        net.A.Send(8);
        net.Run(RoundTrip);
        Assert.NotSame(oldAtB, net.B.Peer.SendKeys);
        Assert.Equal(8, net.B.Delivered[^1][0]);
    }

    [Fact]
    public void PreviousKeys_PacketUnderWayDuringTheHandOver_StillOpens()
    {
        using var net = new Network(22);
        var old = Establish(net);
        old.TryReserve(1, net.Now.Monotonic, out var counter);
        var late = new byte[16 + KeyPair.OverheadBytes];
        old.Seal(counter, [9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], late);
        net.Run(TimeSpan.FromSeconds(10));
        net.A.Peer.StartHandshake(net.Now);
        net.A.Serve();
        net.Run(TimeSpan.FromSeconds(1));
        Assert.NotSame(old, net.A.Peer.SendKeys);
        net.B.Receive(late);
        Assert.Equal(9, net.B.Delivered[^1][0]);
    }

    [Fact]
    public void RestartedPeer_IsAnsweredWithNewKeysAndDataFlows()
    {
        using var net = new Network(23);
        Establish(net);
        var oldAtB = net.B.Peer.SendKeys;
        net.Run(TimeSpan.FromSeconds(10));
        net.A.Restart(net.B);
        net.A.Send(5);
        net.Run(RoundTrip * 2);
        Assert.Equal(5, net.B.Delivered[^1][0]);
        Assert.NotSame(oldAtB, net.B.Peer.SendKeys);
        net.B.Send(6);
        net.Run(RoundTrip);
        Assert.Equal(6, Assert.Single(net.A.Delivered)[0]);
    }

    [Fact]
    public void RestartedPeer_WhoseClockWentBack_IsRefusedUntilItsClockIsRight()
    {
        using var net = new Network(24);
        Establish(net);
        net.Run(TimeSpan.FromSeconds(10));
        net.A.Restart(net.B);
        var wrong = new Moment(net.Now.Monotonic, net.Now.Utc - TimeSpan.FromDays(1));
        net.A.Now = wrong;
        net.A.Send(5);
        net.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(HandshakeResult.OldTimestamp, net.B.Outcomes[^1].Result);
        Assert.Same(net.B.Peer, net.B.Outcomes[^1].Peer);
        net.Run(TimeSpan.FromSeconds(6));
        Assert.Equal(5, net.B.Delivered[^1][0]);
    }

    [Fact]
    public void ClockThatGoesBackWhileRunning_StillMakesLaterTimestamps()
    {
        using var net = new Network(25);
        Establish(net);
        net.Run(TimeSpan.FromSeconds(10));
        net.A.Now = new Moment(net.Now.Monotonic, net.Now.Utc - TimeSpan.FromDays(1));
        net.A.Peer.StartHandshake(net.A.Now);
        net.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(HandshakeResult.Responded, net.B.Outcomes[^1].Result);
    }

    // Pre-shared and private keys

    [Fact]
    public void PresharedKey_Changed_EndsTheOldSessionAndIsUsed()
    {
        using var net = new Network(26);
        Establish(net);
        net.Run(TimeSpan.FromSeconds(10));
        var key = new PresharedKey(Enumerable.Repeat((byte)3, 32).ToArray());
        net.A.Peer.SetPresharedKey(key, net.Now);
        net.A.Serve();
        Assert.Null(net.A.Peer.SendKeys);
        net.Run(TimeSpan.FromSeconds(20));
        Assert.Null(net.A.Peer.SendKeys);
        Assert.Contains(net.A.Outcomes, o => o.Result == HandshakeResult.BadTag);
        net.B.Peer.SetPresharedKey(key, net.Now);
        net.B.Serve();
        Assert.True(net.RunUntil(TimeSpan.FromSeconds(6), () => net.A.Peer.SendKeys is not null));
        net.A.Send(4);
        net.Run(RoundTrip);
        Assert.Equal(4, net.B.Delivered[^1][0]);
    }

    [Fact]
    public void PresharedKey_SetToTheSameValue_KeepsTheSession()
    {
        var key = new PresharedKey(Enumerable.Repeat((byte)3, 32).ToArray());
        using var net = new Network(27, key);
        var session = Establish(net);
        net.A.Peer.SetPresharedKey(new PresharedKey(key.Bytes), net.Now);
        Assert.Same(session, net.A.Peer.SendKeys);
    }

    [Fact]
    public void PrivateKey_Changed_EndsEverySessionAndTheOldIdentityIsGone()
    {
        using var net = new Network(28);
        Establish(net);
        var old = net.A.Device.PublicKey;
        using var random = new SeededRandom(99);
        Assert.Null(net.A.Device.SetPrivateKey(PrivateKey.Generate(random), net.Now));
        net.A.Serve();
        Assert.Null(net.A.Peer.SendKeys);
        net.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(HandshakeResult.UnknownPeer, net.B.Outcomes[^1].Result);
        net.B.Peer.StartHandshake(net.Now);
        net.Run(TimeSpan.FromSeconds(1));
        Assert.Contains(net.A.Outcomes, o => o.Result == HandshakeResult.BadMac1);
        Assert.NotEqual(old, net.A.Device.PublicKey);
    }

    [Fact]
    public void OwnPublicKey_AsPeer_IsRefused()
    {
        using var net = new Network(29);
        Assert.Null(net.A.Device.AddPeer(net.A.Device.PublicKey, null, default));
        Assert.Null(net.A.Device.AddPeer(net.B.Device.PublicKey, null, default));
        Assert.Same(net.A.Peer, net.A.Device.SetPrivateKey(net.B.PrivateKey, net.Now));
        Assert.Null(net.A.Device.FindPeer(net.B.Device.PublicKey));
    }

    [Fact]
    public void PeerWithAKeyOfLowOrder_NeverGetsAHandshake()
    {
        using var net = new Network(30);
        var peer = net.A.Device.AddPeer(new PublicKey(new byte[32]), null, default)!;
        peer.StartHandshake(net.Now);
        Assert.Equal(0, net.A.InitiationsSent);
        Assert.Equal(1, net.A.GivenUp);
        Assert.Equal(Instant.Infinity, peer.Service(net.Now));
    }

    // Handshake replay, floods, endpoints

    [Fact]
    public void Initiation_Replayed_IsRefusedEvenAfterTheKeysWereErased()
    {
        using var net = new Network(31);
        byte[]? initiation = null;
        net.Passes = (_, datagram) =>
        {
            initiation ??= datagram;
            return true;
        };
        Establish(net);
        net.Run(TimeSpan.FromHours(1));
        net.B.Receive(initiation!);
        Assert.Equal(HandshakeResult.OldTimestamp, net.B.Outcomes[^1].Result);
        Assert.Null(net.B.Peer.SendKeys);
    }

    [Fact]
    public void Initiations_OfOnePeer_AreLimitedTo50ASecond()
    {
        using var net = new Network(32);
        var initiations = new List<byte[]>();
        net.Passes = (_, datagram) =>
        {
            initiations.Add(datagram);
            return false;
        };
        net.A.Send(1);
        net.Run(TimeSpan.FromSeconds(11));
        Assert.True(initiations.Count >= 3);
        net.B.Receive(initiations[0]);
        net.B.Receive(initiations[1]);
        net.Run(TimeSpan.FromMilliseconds(20));
        net.B.Receive(initiations[2]);
        Assert.Equal([HandshakeResult.Responded, HandshakeResult.RateLimited, HandshakeResult.Responded], net.B.Outcomes.Select(o => o.Result));
    }

    [Fact]
    public void Response_Replayed_IsRefusedAndKeepsTheSession()
    {
        using var net = new Network(33);
        byte[]? response = null;
        net.Passes = (_, datagram) =>
        {
            response ??= datagram[0] == 2 ? datagram : null;
            return true;
        };
        var session = Establish(net);
        net.A.Receive(response!);
        Assert.Equal(HandshakeResult.NotExpected, net.A.Outcomes[^1].Result);
        Assert.Null(net.A.Outcomes[^1].Peer);
        Assert.Same(session, net.A.Peer.SendKeys);
    }

    [Fact]
    public void Initiation_OfAStranger_NamesNoPeerAndGetsNoAnswer()
    {
        using var net = new Network(34);
        using var stranger = new Station(77, 7);
        byte[]? initiation = null;
        stranger.Transmit = datagram => initiation = datagram;
        stranger.AddPeer(net.B);
        stranger.Send(1);
        net.B.Receive(initiation!);
        Assert.Equal(new HandshakeOutcome(HandshakeResult.UnknownPeer, null, 0) { UnknownKey = stranger.Device.PublicKey }, net.B.Outcomes[^1]);
        Assert.Equal(1, net.B.Device.CountOf(HandshakeResult.UnknownPeer));
    }

    [Fact]
    public void StartHandshake_Repeated_SendsOneInitiationIn5Seconds()
    {
        using var net = new Network(35);
        for (var at = 0; at < 10; at++)
        {
            net.A.Peer.StartHandshake(net.Now);
            net.A.Serve();
            net.Run(TimeSpan.FromMilliseconds(400));
        }

        Assert.Equal(1, net.A.InitiationsSent);
        net.Run(TimeSpan.FromSeconds(1));
        net.A.Peer.StartHandshake(net.Now);
        Assert.Equal(2, net.A.InitiationsSent);
    }

    [Fact]
    public void RemovedPeer_IsUnknownAndItsSessionsAreGone()
    {
        using var net = new Network(36);
        var session = Establish(net);
        var index = net.B.Peer.SendKeys!.LocalIndex;
        net.B.Device.RemovePeer(net.B.Peer);
        Assert.Null(net.B.Device.FindKeyPair(index));
        Assert.Null(net.B.Peer.SendKeys);
        Assert.Equal(Instant.Infinity, net.B.Peer.Service(net.Now));
        net.Run(TimeSpan.FromSeconds(10));
        net.A.Peer.StartHandshake(net.Now);
        net.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(HandshakeResult.UnknownPeer, net.B.Outcomes[^1].Result);
        Assert.Same(session, net.A.Peer.SendKeys);
    }

    private static KeyPair Establish(Network net)
    {
        net.A.Send(1);
        net.Run(TimeSpan.FromSeconds(1));
        Assert.Single(net.B.Delivered);
        return net.A.Peer.SendKeys!;
    }

    private static KeyPair OtherEnd(Station station, byte[] message) =>
        station.Device.FindKeyPair(BinaryPrimitives.ReadUInt32LittleEndian(message.AsSpan(4)))!;
}
