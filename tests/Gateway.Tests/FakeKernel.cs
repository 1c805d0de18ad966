using System.Collections.Concurrent;
using System.Net.Sockets;
using Gateway.Engine.Ports;
using Gateway.Reconcile;

namespace Gateway.Tests;

/// <summary>Kernel settings in memory.</summary>
internal sealed class FakeKernel : IKernelSettings
{
    public ConcurrentDictionary<string, int> RpFilters { get; } = new(new Dictionary<string, int> { ["all"] = 0, ["default"] = 1, ["eth0"] = 1, ["lo"] = 0 });

    public List<string> Missing { get; } = [];

    public bool Forwards { get; set; } = true;

    public PortException? Refusal { get; set; }

    public string? FindDeviceOwner(string name) => name == "eth0" ? "a network device" : null;

    public IReadOnlyList<string> WhatIsMissing() => Missing;

    public IReadOnlyDictionary<string, int> ReadRpFilters() => new Dictionary<string, int>(RpFilters);

    public void SetRpFilter(string name, int mode)
    {
        if (Refusal is not null) throw Refusal;
        RpFilters[name] = mode;
    }

    public bool IsForwarding(AddressFamily family) => Forwards;
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
