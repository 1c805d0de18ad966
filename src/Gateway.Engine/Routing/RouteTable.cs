using System.Net;
using System.Net.Sockets;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Gateway.Engine.Routing;

/// <summary>
/// Prefixes and what they lead to, longest prefix first: an immutable path-compressed binary trie, one root a family, so that 0.0.0.0/0 and
/// ::/0 keep to their own. A change makes a new table that shares all nodes but those on the changed path; readers of the old one are not
/// disturbed. Look-ups neither lock nor allocate.
/// </summary>
/// <typeparam name="T">What a prefix leads to; compared by nobody.</typeparam>
internal sealed class RouteTable<T>
    where T : class
{
    private readonly Node? _v4, _v6;

    private RouteTable(Node? v4, Node? v6, int count)
    {
        _v4 = v4;
        _v6 = v6;
        Count = count;
    }

    /// <summary>The table without prefixes.</summary>
    public static RouteTable<T> Empty { get; } = new(null, null, 0);

    /// <summary>How many prefixes it holds.</summary>
    public int Count { get; }

    /// <summary>Makes a table of many prefixes at once. Of equal prefixes the last one counts.</summary>
    public static RouteTable<T> Build(IEnumerable<(IPNetwork Prefix, T Value)> routes)
    {
        ArgumentNullException.ThrowIfNull(routes);
        // In address order neighbours in the trie become neighbours in memory. The sort is stable: the last of equals stays last.
        var sorted = routes.Select(route => (Key: Key.From(route.Prefix), route.Value)).OrderBy(route => route.Key).ToList();
        Node? v4 = null, v6 = null;
        var count = 0;
        foreach (var (key, value) in sorted)
        {
            ref var root = ref key.IsV4 ? ref v4 : ref v6;
            root = Insert(root, key, value, isOwned: true, ref count);
        }

        return new RouteTable<T>(v4, v6, count);
    }

    /// <summary>This table with a prefix added or, if it is there, leading elsewhere.</summary>
    public RouteTable<T> With(IPNetwork prefix, T value)
    {
        ArgumentNullException.ThrowIfNull(value);
        var key = Key.From(prefix);
        var count = Count;
        return key.IsV4
            ? new RouteTable<T>(Insert(_v4, key, value, isOwned: false, ref count), _v6, count)
            : new RouteTable<T>(_v4, Insert(_v6, key, value, isOwned: false, ref count), count);
    }

    /// <summary>This table without exactly this prefix; itself if it is not there.</summary>
    public RouteTable<T> Without(IPNetwork prefix)
    {
        var key = Key.From(prefix);
        var root = key.IsV4 ? _v4 : _v6;
        var rest = Remove(root, key);
        if (ReferenceEquals(rest, root)) return this;
        return key.IsV4 ? new RouteTable<T>(rest, _v6, Count - 1) : new RouteTable<T>(_v4, rest, Count - 1);
    }

    /// <summary>What the longest prefix that holds the address leads to; null if none does.</summary>
    public T? Lookup(InetAddress address)
    {
        var isV4 = address.IsV4;
        var high = isV4 ? address.Low << 32 : address.High;
        var low = isV4 ? 0 : address.Low;
        T? best = null;
        for (var node = isV4 ? _v4 : _v6; node is not null; node = node.Children[Key.Bit(high, low, node.Bits)])
        {
            // A node that only branches need not be compared: what lies below it would not match either.
            if (node.Value is not { } value) continue;
            if (!Key.AreEqual(high ^ node.High, low ^ node.Low, node.Bits)) break;
            best = value;
        }

        return best;
    }

    /// <summary>What exactly this prefix leads to; null if it is not in the table, whatever holds it.</summary>
    public T? Find(IPNetwork prefix)
    {
        var key = Key.From(prefix);
        var node = key.IsV4 ? _v4 : _v6;
        while (node is not null && node.Bits < key.Bits) node = node.Children[Key.Bit(key.High, key.Low, node.Bits)];
        return node is not null && node.Bits == key.Bits && key.CommonBits(node) == key.Bits ? node.Value : null;
    }

    /// <summary>Puts a value in. Nodes that another table may share (not owned) are copied, not changed.</summary>
    private static Node Insert(Node? node, in Key key, T value, bool isOwned, ref int count)
    {
        if (node is null)
        {
            count++;
            return new Node(key, value);
        }

        var common = key.CommonBits(node);
        if (common < node.Bits)
        {
            count++;
            var added = new Node(key, value);
            if (common == key.Bits)
            {
                added.Children[Key.Bit(node.High, node.Low, common)] = node;
                return added;
            }

            var branch = new Node(key.Truncate(common), null);
            branch.Children[Key.Bit(node.High, node.Low, common)] = node;
            branch.Children[Key.Bit(key.High, key.Low, common)] = added;
            return branch;
        }

        if (!isOwned) node = new Node(node);
        if (key.Bits == node.Bits)
        {
            if (node.Value is null) count++;
            node.Value = value;
            return node;
        }

        ref var child = ref node.Children[Key.Bit(key.High, key.Low, node.Bits)];
        child = Insert(child, key, value, isOwned, ref count);
        return node;
    }

    /// <summary>The subtree without a prefix; the same object if it is not in it.</summary>
    private static Node? Remove(Node? node, in Key key)
    {
        if (node is null || key.CommonBits(node) < node.Bits) return node;

        if (key.Bits == node.Bits)
        {
            if (node.Value is null) return node;
            if (node.Children[0] is null) return node.Children[1];
            if (node.Children[1] is null) return node.Children[0];
            return new Node(node) { Value = null };
        }

        var side = Key.Bit(key.High, key.Low, node.Bits);
        var rest = Remove(node.Children[side], key);
        if (ReferenceEquals(rest, node.Children[side])) return node;
        // A branch with one arm left is no branch.
        if (rest is null && node.Value is null) return node.Children[1 - side];
        var copy = new Node(node);
        copy.Children[side] = rest;
        return copy;
    }

    private sealed class Node
    {
        public readonly ulong High, Low;
        public readonly int Bits;
        public T? Value;
        public Pair Children;

        public Node(in Key key, T? value)
        {
            High = key.High;
            Low = key.Low;
            Bits = key.Bits;
            Value = value;
        }

        public Node(Node other)
        {
            High = other.High;
            Low = other.Low;
            Bits = other.Bits;
            Value = other.Value;
            Children = other.Children;
        }
    }

    [InlineArray(2)]
    private struct Pair
    {
        private Node? _first;
    }

    /// <summary>A prefix, its bits at the top of 128: an IPv4 one without its mapped 96 bits, which the choice of root stands for.</summary>
    private readonly record struct Key(bool IsV4, ulong High, ulong Low, int Bits) : IComparable<Key>
    {
        public static Key From(IPNetwork prefix)
        {
            var address = InetAddress.From(prefix.BaseAddress);
            if (!address.IsV4) return new Key(false, address.High, address.Low, prefix.PrefixLength);
            var isMapped = prefix.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6;
            return new Key(true, address.Low << 32, 0, prefix.PrefixLength - (isMapped ? InetAddress.V4PrefixOffset : 0));
        }

        /// <summary>The bit at an index from the top, 0 or 1. At 128, past the end, it means nothing, and full-length nodes have no children.</summary>
        public static int Bit(ulong high, ulong low, int index) => (int)((index < 64 ? high << index : low << (index - 64)) >> 63);

        /// <summary>Whether the first bits of a difference are all zero.</summary>
        public static bool AreEqual(ulong highDifference, ulong lowDifference, int bits) => bits switch
        {
            0 => true,
            <= 64 => highDifference >> (64 - bits) == 0,
            _ => highDifference == 0 && lowDifference >> (128 - bits) == 0,
        };

        public int CommonBits(Node node)
        {
            var high = High ^ node.High;
            var equal = high != 0 ? BitOperations.LeadingZeroCount(high) : 64 + BitOperations.LeadingZeroCount(Low ^ node.Low);
            return Math.Min(equal, Math.Min(Bits, node.Bits));
        }

        public Key Truncate(int bits) => bits switch
        {
            0 => new Key(IsV4, 0, 0, 0),
            <= 64 => new Key(IsV4, High & (ulong.MaxValue << (64 - bits)), 0, bits),
            _ => new Key(IsV4, High, Low & (ulong.MaxValue << (128 - bits)), bits),
        };

        public int CompareTo(Key other)
        {
            var order = High.CompareTo(other.High);
            if (order == 0) order = Low.CompareTo(other.Low);
            return order != 0 ? order : Bits.CompareTo(other.Bits);
        }
    }
}
