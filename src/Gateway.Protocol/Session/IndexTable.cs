using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Gateway.Protocol;

/// <summary>
/// The random 32-bit indices by which peers name our sessions and handshakes. One thread writes; any may look up without a lock.
/// </summary>
/// <remarks>
/// An index is random, and its low bits are its slot. One is drawn until its slot is free, so that a look-up is one masked array access;
/// indices that differ in their low k bits also differ in their low k + 1, so that doubling the table never collides.
/// </remarks>
internal sealed class IndexTable
{
    private const int InitialSlots = 64;

    // Fullness up to which drawing a free slot takes two tries at most on average, and two indices seldom meet.
    private const int SlotsPerEntry = 2;

    private sealed record Slots(KeyPair?[] KeyPairs, WireGuardPeer?[] Handshakes, uint[] HandshakeIndices, uint Mask);

    private readonly RandomNumberGenerator _random;
    private volatile Slots _slots = Allocate(InitialSlots);
    private int _count;

    internal IndexTable(RandomNumberGenerator random) => _random = random;

    /// <summary>Any thread.</summary>
    internal KeyPair? FindKeyPair(uint index)
    {
        var slots = _slots;
        var found = Volatile.Read(ref slots.KeyPairs[index & slots.Mask]);
        return found is not null && found.LocalIndex == index ? found : null;
    }

    /// <summary>Writer thread. The peer whose handshake under way has that index.</summary>
    internal WireGuardPeer? FindHandshake(uint index)
    {
        var slot = index & _slots.Mask;
        return _slots.HandshakeIndices[slot] == index ? _slots.Handshakes[slot] : null;
    }

    /// <summary>Writer thread. Draws a free index for a handshake that this end starts.</summary>
    internal uint AddHandshake(WireGuardPeer peer)
    {
        var index = Draw();
        var slot = index & _slots.Mask;
        _slots.HandshakeIndices[slot] = index;
        _slots.Handshakes[slot] = peer;
        _count++;
        return index;
    }

    /// <summary>Writer thread. Draws a free index for a session; it is taken once <see cref="Add"/> was called, before another is drawn.</summary>
    internal uint Draw()
    {
        if ((_count + 1) * SlotsPerEntry > (int)_slots.Mask + 1)
            Grow();
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        while (true)
        {
            _random.GetBytes(bytes);
            var index = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
            var slot = index & _slots.Mask;
            if (_slots.KeyPairs[slot] is null && _slots.Handshakes[slot] is null)
                return index;
        }
    }

    /// <summary>Writer thread. Makes a session known under its index, which a handshake may have held before.</summary>
    internal void Add(KeyPair keyPair)
    {
        RemoveHandshake(keyPair.LocalIndex);
        Volatile.Write(ref _slots.KeyPairs[keyPair.LocalIndex & _slots.Mask], keyPair);
        _count++;
    }

    /// <summary>Writer thread.</summary>
    internal void Remove(KeyPair keyPair)
    {
        ref var slot = ref _slots.KeyPairs[keyPair.LocalIndex & _slots.Mask];
        if (slot != keyPair)
            return;
        Volatile.Write(ref slot, null);
        _count--;
    }

    /// <summary>Writer thread. Does nothing where no handshake has that index.</summary>
    internal void RemoveHandshake(uint index)
    {
        var slot = index & _slots.Mask;
        if (_slots.Handshakes[slot] is null || _slots.HandshakeIndices[slot] != index)
            return;
        _slots.Handshakes[slot] = null;
        _count--;
    }

    private void Grow()
    {
        var old = _slots;
        var bigger = Allocate(old.KeyPairs.Length * 2);
        for (var slot = 0; slot < old.KeyPairs.Length; slot++)
        {
            if (old.KeyPairs[slot] is { } keyPair)
                bigger.KeyPairs[keyPair.LocalIndex & bigger.Mask] = keyPair;
            if (old.Handshakes[slot] is { } peer)
            {
                var index = old.HandshakeIndices[slot];
                bigger.HandshakeIndices[index & bigger.Mask] = index;
                bigger.Handshakes[index & bigger.Mask] = peer;
            }
        }

        _slots = bigger;
    }

    private static Slots Allocate(int length) => new(new KeyPair?[length], new WireGuardPeer?[length], new uint[length], (uint)length - 1);
}
