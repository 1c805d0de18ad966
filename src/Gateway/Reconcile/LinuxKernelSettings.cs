using System.Net.Sockets;
using Gateway.Linux.Devices;
using Gateway.Linux.Settings;

namespace Gateway.Reconcile;

/// <summary>The settings of the kernel that the process runs on.</summary>
internal sealed class LinuxKernelSettings : IKernelSettings
{
    public IReadOnlyList<string> WhatIsMissing() => [.. LinuxCapabilities.Read().Missing.Select(m => $"{m.Message} {m.Remedy}")];

    public IReadOnlyDictionary<string, int> ReadRpFilters() =>
        KernelSettings.ReadInterfaces().ToDictionary(i => i.Name, i => (int)i.RpFilterOwn, StringComparer.Ordinal);

    public void SetRpFilter(string name, int mode) => KernelSettings.SetRpFilter(name, (ReversePathFilter)mode);

    public string? FindDeviceOwner(string name) => DeviceOwner.Find(name);

    public bool IsForwarding(AddressFamily family) =>
        family == AddressFamily.InterNetwork ? KernelSettings.ReadIpv4Forwarding() : KernelSettings.ReadIpv6Forwarding();
}
