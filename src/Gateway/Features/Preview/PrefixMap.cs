using System.Net;
using Gateway.Engine;

namespace Gateway.Features.Preview;

/// <summary>Finds what the longest prefix around an address stands for.</summary>
internal sealed class PrefixMap<T> where T : class
{
    private readonly Dictionary<(bool IsV4, int Length, ulong High, ulong Low), T> _entries = [];
    private readonly SortedSet<int> _lengths = new(Comparer<int>.Create((a, b) => b.CompareTo(a)));

    public void Add(IPNetwork prefix, T value)
    {
        var address = InetAddress.From(prefix.BaseAddress);
        var length = prefix.PrefixLength + (address.IsV4 ? InetAddress.V4PrefixOffset : 0);
        _lengths.Add(length);
        _entries[Key(address, length)] = value;
    }

    public (T Value, int Length)? Find(InetAddress address)
    {
        foreach (var length in _lengths)
        {
            if (_entries.TryGetValue(Key(address, length), out var value)) return (value, length);
        }

        return null;
    }

    public bool Holds(InetAddress address) => Find(address) is not null;

    private static (bool, int, ulong, ulong) Key(InetAddress address, int length) => (address.IsV4, length,
        length == 0 ? 0 : address.High & (ulong.MaxValue << Math.Max(64 - length, 0)),
        length <= 64 ? 0 : address.Low & (ulong.MaxValue << (128 - length)));
}
