using System.Net.Sockets;
using Gateway.Engine.Ports;
using Gateway.Linux.Devices;
using Gateway.Linux.Netlink;
using Gateway.Linux.Settings;

namespace Gateway.Reconcile;

/// <summary>The kernel settings that the gateway reads and sets, by their path below /proc/sys/net: Linux, or memory in tests.</summary>
internal interface IKernelSettings
{
    /// <summary>What the process lacks to run tunnels: a sentence with its remedy for each; empty when nothing.</summary>
    IReadOnlyList<string> WhatIsMissing();

    /// <summary>All devices, and "all" and "default". Throws <see cref="PortException"/>.</summary>
    IReadOnlyList<string> ReadDevices();

    /// <summary>A setting's number; null where there is none.</summary>
    int? Read(string path);

    /// <summary>Sets it. Throws <see cref="PortException"/> with the command that would do it.</summary>
    void Write(string path, int value);

    /// <summary>Devices whose IPv6 default route was learned from a router, which they lose when they forward unless accept_ra is 2.</summary>
    IReadOnlyList<string> ReadDevicesWithLearnedDefaultRoute();

    /// <summary>Calls back when the kernel says that rp_filter or forwarding changed somewhere, until disposed. Throws <see cref="PortException"/>.</summary>
    IDisposable Watch(Action changed);

    /// <summary>What has a device's name already, so that no tunnel can be opened on it, in words; null = it is free.</summary>
    string? FindDeviceOwner(string name);
}

/// <summary>The settings of the kernel that the process runs on.</summary>
internal sealed class LinuxKernelSettings : IKernelSettings
{
    public IReadOnlyList<string> WhatIsMissing() => [.. LinuxCapabilities.Read().Missing.Select(m => $"{m.Message} {m.Remedy}")];

    public IReadOnlyList<string> ReadDevices() => [.. KernelSettings.ReadInterfaces().Select(i => i.Name)];

    public int? Read(string path) => KernelSettings.ReadValue(path);

    public void Write(string path, int value) => KernelSettings.WriteValue(path, value);

    public IReadOnlyList<string> ReadDevicesWithLearnedDefaultRoute() => KernelSettings.ReadDevicesWithLearnedDefaultRoute();

    public IDisposable Watch(Action changed) => KernelWatch.OfDeviceSettings(changed);

    public string? FindDeviceOwner(string name) => DeviceOwner.Find(name);
}

/// <summary>Paths of the settings that can be set here.</summary>
internal static class KernelPaths
{
    public const string Ipv4Forwarding = "ipv4/ip_forward";
    public const string Ipv6Forwarding = "ipv6/conf/all/forwarding";

    public static string RpFilter(string device) => $"ipv4/conf/{device}/rp_filter";

    public static string SrcValidMark(string device) => $"ipv4/conf/{device}/src_valid_mark";

    public static string Forwarding(string device) => $"ipv6/conf/{device}/forwarding";

    public static string AcceptRa(string device) => $"ipv6/conf/{device}/accept_ra";

    /// <summary>The device of a path; null for what is the whole host's.</summary>
    public static string? Device(string path) => path.Split('/') is [_, "conf", var device, _] && path != Ipv6Forwarding ? device : null;

    /// <summary>Whether it is a switch that makes devices forward IPv6, and which: null = all.</summary>
    public static bool IsIpv6Forwarding(string path, out string? device)
    {
        device = Device(path);
        return path.StartsWith("ipv6/", StringComparison.Ordinal) && path.EndsWith("/forwarding", StringComparison.Ordinal);
    }

    /// <summary>Whether the kernel tells of its changes.</summary>
    public static bool IsTold(string path) => path.EndsWith("forward", StringComparison.Ordinal) || path.EndsWith("forwarding", StringComparison.Ordinal) || path.EndsWith("rp_filter", StringComparison.Ordinal);

    public static bool IsForwarding(this IKernelSettings kernel, AddressFamily family) =>
        kernel.Read(family == AddressFamily.InterNetwork ? Ipv4Forwarding : Ipv6Forwarding) is > 0;
}
