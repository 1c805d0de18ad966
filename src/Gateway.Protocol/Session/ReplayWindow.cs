namespace Gateway.Protocol;

/// <summary>
/// Which of the newest counters were already received: a ring of bits that moves forward by whole words (RFC 6479). Receiver thread only.
/// </summary>
internal sealed class ReplayWindow
{
    /// <summary>Bits kept, as the kernel's <c>COUNTER_BITS_TOTAL</c>.</summary>
    internal const int Bits = 8192;

    /// <summary>How far behind the newest counter one is still taken: one word less than kept, because the newest word fills up bit by bit.</summary>
    internal const int Size = Bits - BitsPerWord;

    private const int BitsPerWord = 64;
    private const int Words = Bits / BitsPerWord;

    private readonly ulong[] _seen = new ulong[Words];

    // One more than the greatest counter accepted; 0 = none yet.
    private ulong _next;

    /// <summary>Marks a counter as received. False, and nothing changed, where it was marked before or is older than the window.</summary>
    internal bool TryAccept(ulong counter)
    {
        if (_next > Size && counter < _next - Size)
            return false;

        var word = counter / BitsPerWord;
        if (counter >= _next)
        {
            var newest = _next == 0 ? 0 : (_next - 1) / BitsPerWord;
            var toClear = Math.Min(word - newest, Words);
            for (ulong step = 1; step <= toClear; step++)
                _seen[(newest + step) % Words] = 0;
            _next = counter + 1;
        }

        ref var bits = ref _seen[word % Words];
        var bit = 1UL << (int)(counter % BitsPerWord);
        if ((bits & bit) != 0)
            return false;
        bits |= bit;
        return true;
    }
}
