using System.Diagnostics;
using System.Net;
using CsCheck;
using Gateway.Engine.Routing;
using Gateway.Engine.Tests.Packets;
using Xunit;

namespace Gateway.Engine.Tests.Routing;

public class RouteTableTests
{
    // Few distinct bits, so that prefixes nest, collide and split often; a handful of values in each byte.
    private static readonly Gen<IPNetwork> Prefixes = Gen.Select(Gen.Bool, Gen.OneOf<byte>(0, 1, 0x80, 0xFF).Array[16], Gen.Int[0, 128]).Select((isV4, bytes, bits) =>
        Masked(new IPAddress(isV4 ? bytes[..4] : [0x20, .. bytes[1..]]), isV4 ? bits % 33 : bits));

    private static readonly Gen<IPAddress> Addresses = Prefixes.Select(prefix => prefix.BaseAddress);

    [Fact]
    public void Lookup_AnyTable_EqualsPlainSearch() =>
        Gen.Select(Prefixes.Array[0, 60], Addresses.Array[1, 60]).Sample((prefixes, addresses) =>
        {
            var routes = prefixes.Select((prefix, i) => (Prefix: prefix, Value: $"{i}")).ToArray();
            var built = RouteTable<string>.Build(routes);
            var grown = routes.Aggregate(RouteTable<string>.Empty, (table, route) => table.With(route.Prefix, route.Value));
            var model = Model(routes);
            Assert.Equal(model.Count, built.Count);
            Assert.Equal(model.Count, grown.Count);
            foreach (var address in addresses.Concat(prefixes.Select(prefix => prefix.BaseAddress)))
            {
                var expected = PlainSearch(model, address);
                Assert.Equal(expected, built.Lookup(InetAddress.From(address)));
                Assert.Equal(expected, grown.Lookup(InetAddress.From(address)));
            }
        }, iter: 300);

    [Fact]
    public void WithAndWithout_AnyOrder_EqualsPlainSearchAndLeavesOlderTablesAlone() =>
        Gen.Select(Gen.Select(Gen.Bool, Prefixes).Array[0, 50], Addresses.Array[1, 20]).Sample((steps, addresses) =>
        {
            var table = RouteTable<string>.Empty;
            var model = new Dictionary<IPNetwork, string>();
            var history = new List<(RouteTable<string> Table, Dictionary<IPNetwork, string> Model)>();
            for (var i = 0; i < steps.Length; i++)
            {
                var prefix = steps[i].Item2;
                // Half of the removals hit something that is there.
                if (!steps[i].Item1 && i % 2 == 0 && model.Count > 0) prefix = model.Keys.ElementAt(i % model.Count);
                table = steps[i].Item1 ? table.With(prefix, $"{i}") : table.Without(prefix);
                if (steps[i].Item1) model[prefix] = $"{i}";
                else model.Remove(prefix);
                history.Add((table, new Dictionary<IPNetwork, string>(model)));
            }

            foreach (var (then, modelThen) in history)
            {
                Assert.Equal(modelThen.Count, then.Count);
                foreach (var address in addresses.Concat(modelThen.Keys.Select(prefix => prefix.BaseAddress)))
                    Assert.Equal(PlainSearch(modelThen, address), then.Lookup(InetAddress.From(address)));
            }
        }, iter: 300);

    [Fact]
    public void Lookup_DefaultRoutes_KeepToTheirFamily()
    {
        var v4 = InetAddress.From(IPAddress.Parse("8.8.8.8"));
        var v6 = InetAddress.From(IPAddress.Parse("2001:db8::1"));
        var onlyV4 = RouteTable<string>.Empty.With(IPNetwork.Parse("0.0.0.0/0"), "four");
        var onlyV6 = RouteTable<string>.Empty.With(IPNetwork.Parse("::/0"), "six");
        Assert.Equal(("four", null), (onlyV4.Lookup(v4), onlyV4.Lookup(v6)));
        Assert.Equal((null, "six"), (onlyV6.Lookup(v4), onlyV6.Lookup(v6)));
        Assert.Null(RouteTable<string>.Empty.With(IPNetwork.Parse("::/64"), "six").Lookup(v4));
    }

    [Fact]
    public void Lookup_MappedPrefix_IsTheIpv4One()
    {
        var table = RouteTable<string>.Empty.With(IPNetwork.Parse("::ffff:10.0.0.0/104"), "ten");
        Assert.Equal("ten", table.Lookup(InetAddress.From(IPAddress.Parse("10.200.0.1"))));
        Assert.Equal(0, table.Without(IPNetwork.Parse("10.0.0.0/8")).Count);
    }

    [Fact]
    public void Lookup_HostRoutesOfFullLength_AreFound()
    {
        var table = RouteTable<string>.Build([(IPNetwork.Parse("2001:db8::1/128"), "a"), (IPNetwork.Parse("2001:db8::/127"), "b"), (IPNetwork.Parse("10.0.0.1/32"), "c")]);
        Assert.Equal("a", table.Lookup(InetAddress.From(IPAddress.Parse("2001:db8::1"))));
        Assert.Equal("b", table.Lookup(InetAddress.From(IPAddress.Parse("2001:db8::"))));
        Assert.Equal("c", table.Lookup(InetAddress.From(IPAddress.Parse("10.0.0.1"))));
        Assert.Null(table.Lookup(InetAddress.From(IPAddress.Parse("10.0.0.2"))));
    }

    [Fact]
    public void Without_PrefixThatIsNotThere_GivesTheSameTable()
    {
        var table = RouteTable<string>.Build([(IPNetwork.Parse("10.0.0.0/8"), "a"), (IPNetwork.Parse("10.1.0.0/16"), "b"), (IPNetwork.Parse("10.2.0.0/16"), "c")]);
        Assert.Same(table, table.Without(IPNetwork.Parse("10.0.0.0/14")));
        Assert.Same(table, table.Without(IPNetwork.Parse("10.3.0.0/16")));
        Assert.Same(table, table.Without(IPNetwork.Parse("::/8")));
    }

    [Fact]
    public void Build_HundredThousandPrefixes_IsQuick()
    {
        var random = new Random(1);
        var routes = Enumerable.Range(0, 100_000).Select(i => (new IPNetwork(new IPAddress([10, (byte)(i >> 16), (byte)(i >> 8), (byte)i]), 32), "x")).ToArray();
        random.Shuffle(routes);
        var watch = Stopwatch.StartNew();
        var table = RouteTable<string>.Build(routes);
        // A tenth of a second on an idle machine; the limit only tells it from a quadratic build, which takes far longer.
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(60), $"{watch.Elapsed}");
        Assert.Equal(100_000, table.Count);
        Assert.Equal("x", table.Lookup(InetAddress.From(IPAddress.Parse("10.0.200.7"))));
    }

    [Fact]
    public void Lookup_TenThousandTimes_AllocatesNothing()
    {
        var table = RouteTable<string>.Build([(IPNetwork.Parse("10.0.0.0/8"), "a"), (IPNetwork.Parse("::/0"), "b")]);
        var address = InetAddress.From(IPAddress.Parse("10.1.1.1"));
        Allocations.AreNone(() => table.Lookup(address));
    }

    private static Dictionary<IPNetwork, string> Model(IEnumerable<(IPNetwork Prefix, string Value)> routes)
    {
        var model = new Dictionary<IPNetwork, string>();
        foreach (var (prefix, value) in routes) model[prefix] = value;
        return model;
    }

    private static string? PlainSearch(Dictionary<IPNetwork, string> model, IPAddress address) =>
        model.Where(route => route.Key.Contains(address)).OrderByDescending(route => route.Key.PrefixLength).Select(route => route.Value).FirstOrDefault();

    private static IPNetwork Masked(IPAddress address, int bits)
    {
        var bytes = address.GetAddressBytes();
        for (var bit = bits; bit < bytes.Length * 8; bit++) bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        return new IPNetwork(new IPAddress(bytes), bits);
    }
}
