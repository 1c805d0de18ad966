using System.Net.Sockets;

namespace Gateway.Reconcile;

/// <summary>The kernel settings that the gateway reads and sets: Linux, or memory in tests.</summary>
internal interface IKernelSettings
{
    /// <summary>What the process lacks to run tunnels: a sentence with its remedy for each; empty when nothing.</summary>
    IReadOnlyList<string> WhatIsMissing();

    /// <summary>rp_filter (0, 1, 2) of each device, of "all" and of "default". Throws <see cref="Engine.Ports.PortException"/>.</summary>
    IReadOnlyDictionary<string, int> ReadRpFilters();

    /// <summary>Sets it. Throws <see cref="Engine.Ports.PortException"/>.</summary>
    void SetRpFilter(string name, int mode);

    /// <summary>What has a device's name already, so that no tunnel can be opened on it, in words; null = it is free.</summary>
    string? FindDeviceOwner(string name);

    /// <summary>Whether packets are forwarded between devices.</summary>
    bool IsForwarding(AddressFamily family);
}
