using System.Buffers.Binary;
using Gateway.Protocol.Tests.Simulation;

namespace Gateway.Protocol.Tests;

/// <summary>
/// Every truncation and every single flipped bit of every kind of message is refused without an exception and without a trace in the state.
/// The genuine message is delivered last and must still work, which shows that it would have been accepted.
/// </summary>
public sealed class TamperingTests
{
    private static readonly byte[] Source = [192, 0, 2, 1];

    [Fact]
    public void Initiation_AnyChange_IsRefusedAndLeavesNoTrace()
    {
        using var net = new Network(1);
        var genuine = Intercept(net, 1, () => net.A.Send(1));
        RefuseAll(net.B, net.Now, genuine, isMac2Checked: false);
        Assert.Equal(HandshakeResult.Responded, net.B.Device.Receive(genuine, Source, 1, net.Now, new byte[148]).Result);
    }

    [Fact]
    public void Initiation_UnderLoad_EvenMac2IsChecked()
    {
        using var net = new Network(2);
        net.B.Device.UnderLoad = true;
        var genuine = Intercept(net, 1, () => net.A.Send(1), m => m.AsSpan(^16..).ContainsAnyExcept((byte)0));
        RefuseAll(net.B, net.Now, genuine, isMac2Checked: true);
        Assert.Equal(HandshakeResult.Responded, net.B.Device.Receive(genuine, Source, 51820, net.Now, new byte[148]).Result);
    }

    [Fact]
    public void Initiation_ChangedByOneWhoKnowsOurPublicKey_IsRefusedAndLeavesNoTrace()
    {
        using var net = new Network(3);
        var genuine = Intercept(net, 1, () => net.A.Send(1));
        RefuseNoiseChanges(net.B, net.Now, genuine, InitiationMessage.Noise);
        Assert.Equal(HandshakeResult.Responded, net.B.Device.Receive(genuine, Source, 1, net.Now, new byte[148]).Result);
    }

    [Fact]
    public void Response_AnyChange_IsRefusedAndLeavesNoTrace()
    {
        using var net = new Network(4);
        var genuine = Intercept(net, 2, () => net.A.Send(1));
        RefuseAll(net.A, net.Now, genuine, isMac2Checked: false);
        Assert.Equal(HandshakeResult.Completed, net.A.Device.Receive(genuine, Source, 1, net.Now, new byte[148]).Result);
    }

    [Fact]
    public void Response_ChangedByOneWhoKnowsOurPublicKey_IsRefusedAndTheHandshakeGoesOn()
    {
        using var net = new Network(5);
        var genuine = Intercept(net, 2, () => net.A.Send(1));
        RefuseNoiseChanges(net.A, net.Now, genuine, ResponseMessage.Noise);
        Assert.Equal(HandshakeResult.Completed, net.A.Device.Receive(genuine, Source, 1, net.Now, new byte[148]).Result);
    }

    [Fact]
    public void CookieReply_AnyChange_IsRefusedAndLeavesNoTrace()
    {
        using var net = new Network(6);
        net.B.Device.UnderLoad = true;
        var genuine = Intercept(net, 3, () => net.A.Send(1));
        RefuseAll(net.A, net.Now, genuine, isMac2Checked: true);
        Assert.Equal(HandshakeResult.CookieLearned, net.A.Device.Receive(genuine, Source, 1, net.Now, new byte[148]).Result);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(64)]
    public void DataMessage_AnyChange_IsRefusedAndLeavesNoTrace(int plaintextBytes)
    {
        using var net = new Network(7);
        net.A.Send(1);
        net.Run(TimeSpan.FromSeconds(1));
        var keys = net.A.Peer.SendKeys!;
        Assert.True(keys.TryReserve(1, net.Now.Monotonic, out var counter));
        var genuine = new byte[plaintextBytes + KeyPair.OverheadBytes];
        keys.Seal(counter, new byte[plaintextBytes], genuine);

        var before = StateDigest.Of(net.B.Device);
        foreach (var changed in Changes(genuine))
        {
            var index = changed.Length < 8 ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(changed.AsSpan(4));
            var receiver = net.B.Device.FindKeyPair(index);
            // A changed index finds no session; it must not be opened by the right one either.
            receiver ??= net.B.Device.FindKeyPair(BinaryPrimitives.ReadUInt32LittleEndian(genuine.AsSpan(4)))!;
            Assert.NotEqual(OpenResult.Ok, receiver.TryOpen(changed.ToArray(), net.Now.Monotonic, out var length));
            Assert.Equal(0, length);
            Assert.Equal(HandshakeResult.Malformed, net.B.Device.Receive(Retyped(changed), Source, 1, net.Now, new byte[148]).Result);
        }

        Assert.Equal(before, StateDigest.Of(net.B.Device));
        var session = net.B.Device.FindKeyPair(BinaryPrimitives.ReadUInt32LittleEndian(genuine.AsSpan(4)))!;
        Assert.Equal(OpenResult.Ok, session.TryOpen(genuine, net.Now.Monotonic, out _));
        Assert.NotEqual(before, StateDigest.Of(net.B.Device));
    }

    [Fact]
    public void Receive_RandomBytesOfAnyLength_NeverThrowsAndLeavesNoTrace()
    {
        using var net = new Network(8);
        net.A.Send(1);
        net.Run(TimeSpan.FromSeconds(1));
        var random = new Random(8);
        var before = StateDigest.Of(net.B.Device);
        foreach (var length in Enumerable.Range(0, 300).Concat([1500, 9000, 65_507]))
        {
            var datagram = new byte[length];
            random.NextBytes(datagram);
            for (byte type = 0; type < 6; type++)
            {
                if (length >= 4)
                    BinaryPrimitives.WriteUInt32LittleEndian(datagram, type);
                var result = net.B.Device.Receive(datagram, Source, 1, net.Now, new byte[148]).Result;
                Assert.Contains(result, (HandshakeResult[])[HandshakeResult.Malformed, HandshakeResult.BadMac1, HandshakeResult.NotExpected]);
            }
        }

        Assert.Equal(before, StateDigest.Of(net.B.Device));
    }

    // A data message is no handshake message, whatever its length: the type decides.
    private static byte[] Retyped(byte[] message) =>
        message.Length > 0 && message[0] is 1 or 2 or 3 ? [] : message;

    private static void RefuseAll(Station station, Moment now, byte[] genuine, bool isMac2Checked)
    {
        var reply = new byte[148];
        var before = StateDigest.Of(station.Device);
        var mac2At = isMac2Checked ? int.MaxValue : genuine.Length - 16;
        foreach (var changed in Changes(genuine, mac2At))
        {
            var result = station.Device.Receive(changed, Source, 51820, now, reply).Result;
            Assert.DoesNotContain(result, (HandshakeResult[])[HandshakeResult.Responded, HandshakeResult.Completed, HandshakeResult.CookieLearned]);
        }

        Assert.Equal(before, StateDigest.Of(station.Device));
    }

    /// <summary>With mac1 made anew, so that the change gets as far as the public-key work.</summary>
    private static void RefuseNoiseChanges(Station station, Moment now, byte[] genuine, Range noise)
    {
        var jar = new CookieJar(new LibcryptoPrimitives(), PublicKeyOf(station));
        var (start, length) = noise.GetOffsetAndLength(genuine.Length);
        var before = StateDigest.Of(station.Device);
        for (var bit = start * 8; bit < (start + length) * 8; bit++)
        {
            // X25519 ignores an ephemeral's highest bit (RFC 7748 §5), but the hash over it does not.
            var changed = Flip(genuine, bit);
            jar.AddMacs(changed, now.Monotonic);
            Assert.Equal(HandshakeResult.BadTag, station.Device.Receive(changed, Source, 51820, now, new byte[148]).Result);
        }

        Assert.Equal(before, StateDigest.Of(station.Device));
    }

    private static IEnumerable<byte[]> Changes(byte[] genuine, int flipsEndAt = int.MaxValue)
    {
        for (var length = 0; length < genuine.Length; length++)
            yield return genuine[..length];
        yield return [.. genuine, 0];
        for (var bit = 0; bit < Math.Min(genuine.Length, flipsEndAt) * 8; bit++)
            yield return Flip(genuine, bit);
    }

    private static byte[] Flip(byte[] message, int bit)
    {
        var changed = message.ToArray();
        changed[bit / 8] ^= (byte)(1 << (bit % 8));
        return changed;
    }

    private static byte[] PublicKeyOf(Station station)
    {
        var bytes = new byte[32];
        station.Device.PublicKey.CopyTo(bytes);
        return bytes;
    }

    /// <summary>Takes the first message of that type off the wire.</summary>
    private static byte[] Intercept(Network net, byte type, Action start, Func<byte[], bool>? wanted = null)
    {
        byte[]? taken = null;
        net.Passes = (_, datagram) =>
        {
            if (taken is null && datagram[0] == type && wanted?.Invoke(datagram) != false)
                taken = datagram;
            return taken is null;
        };
        start();
        Assert.True(net.RunUntil(TimeSpan.FromSeconds(10), () => taken is not null));
        net.Passes = (_, _) => true;
        return taken!;
    }
}
