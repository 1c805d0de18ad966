using System.Collections.Concurrent;
using Gateway.Engine.Ports;
using Gateway.Reconcile;

namespace Gateway.Tests;

/// <summary>Kernel settings in memory: eth0, lo, all and default.</summary>
internal sealed class FakeKernel : IKernelSettings
{
    private Action? _changed;

    public ConcurrentDictionary<string, int> RpFilters { get; } = new(new Dictionary<string, int> { ["all"] = 0, ["default"] = 1, ["eth0"] = 1, ["lo"] = 0 });

    /// <summary>All others, by path.</summary>
    public ConcurrentDictionary<string, int> Others { get; } = new(new Dictionary<string, int>
    { ["ipv4/ip_forward"] = 1, ["ipv6/conf/all/forwarding"] = 1, ["ipv6/conf/eth0/forwarding"] = 0, ["ipv6/conf/eth0/accept_ra"] = 1, ["ipv4/conf/eth0/src_valid_mark"] = 0 });

    /// <summary>Paths in the order in which they were written.</summary>
    public ConcurrentQueue<string> Written { get; } = new();

    public List<string> Missing { get; } = [];

    public List<string> LearnedDefaultRoutes { get; } = [];

    public bool Forwards
    {
        set => Others["ipv4/ip_forward"] = Others["ipv6/conf/all/forwarding"] = value ? 1 : 0;
    }

    public PortException? Refusal { get; set; }

    public string? FindDeviceOwner(string name) => name == "eth0" ? "a network device" : null;

    public IReadOnlyList<string> WhatIsMissing() => Missing;

    public IReadOnlyList<string> ReadDevices() => [.. RpFilters.Keys];

    public int? Read(string path) => RpFilterOf(path) is { } device
        ? RpFilters.TryGetValue(device, out var mode) ? mode : null
        : Others.TryGetValue(path, out var value) ? value : null;

    public void Write(string path, int value)
    {
        if (Refusal is not null) throw Refusal;
        if (RpFilterOf(path) is { } device) RpFilters[device] = value;
        else Others[path] = value;
        Written.Enqueue($"{path}={value}");
        _changed?.Invoke();
    }

    public IReadOnlyList<string> ReadDevicesWithLearnedDefaultRoute() => LearnedDefaultRoutes;

    public IDisposable Watch(Action changed)
    {
        _changed = changed;
        return new MemoryStream();
    }

    /// <summary>As if somebody else had set it, and the kernel told of it.</summary>
    public void Change(string path, int value)
    {
        if (RpFilterOf(path) is { } device) RpFilters[device] = value;
        else Others[path] = value;
        _changed?.Invoke();
    }

    private static string? RpFilterOf(string path) => path.Split('/') is ["ipv4", "conf", var device, "rp_filter"] ? device : null;
}

/// <summary>The gateway's nftables table in memory.</summary>
internal sealed class FakeRules : IPacketRules
{
    private Action? _changed;

    public string? Table { get; private set; }

    public List<string> Documents { get; } = [];

    public PortException? Refusal { get; set; }

    public string? Read() => Refusal is null ? Table : throw Refusal;

    public void Apply(string document)
    {
        if (Refusal is not null) throw Refusal;
        lock (Documents) Documents.Add(document);
        Table = document.Contains("\"chain\"", StringComparison.Ordinal) ? document : null;
        _changed?.Invoke();
    }

    public IDisposable Watch(Action changed)
    {
        _changed = changed;
        return new MemoryStream();
    }

    /// <summary>As if somebody else had set it.</summary>
    public void Change(string? table)
    {
        Table = table;
        _changed?.Invoke();
    }
}
