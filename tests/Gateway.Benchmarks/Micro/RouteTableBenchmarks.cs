using System.Net;
using BenchmarkDotNet.Attributes;
using Gateway.Engine;
using Gateway.Engine.Routing;

namespace Gateway.Benchmarks.Micro;

/// <summary>Longest-prefix look-ups among 100,000 prefixes, and building the table.</summary>
[MemoryDiagnoser]
public class RouteTableBenchmarks
{
    private const int Prefixes = 100_000, Lookups = 4096;

    private readonly (IPNetwork, string)[] _routes = new (IPNetwork, string)[Prefixes];
    private readonly InetAddress[] _random = new InetAddress[Lookups];
    private RouteTable<string> _table = RouteTable<string>.Empty;

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        for (var i = 0; i < Prefixes; i++)
        {
            // Peers' host addresses in one /8, networks behind them elsewhere.
            var bits = i % 2 == 0 ? 32 : 24;
            byte[] address = i % 2 == 0 ? [10, (byte)(i >> 16), (byte)(i >> 8), (byte)i] : [(byte)random.Next(11, 224), (byte)random.Next(256), (byte)random.Next(256), 0];
            _routes[i] = (new IPNetwork(new IPAddress(address), bits), $"{i}");
        }

        _table = RouteTable<string>.Build(_routes);
        for (var i = 0; i < Lookups; i++) _random[i] = InetAddress.From(_routes[random.Next(Prefixes)].Item1.BaseAddress);
    }

    [Benchmark]
    public string? LookupSameAddress() => _table.Lookup(_random[7]);

    [Benchmark(OperationsPerInvoke = Lookups)]
    public int LookupAnyAddress()
    {
        var found = 0;
        foreach (var address in _random)
        {
            if (_table.Lookup(address) is not null) found++;
        }

        return found;
    }

    [Benchmark]
    public int Build() => RouteTable<string>.Build(_routes).Count;

    [Benchmark]
    public int AddOne() => _table.With(_routes[0].Item1, "other").Count;
}
