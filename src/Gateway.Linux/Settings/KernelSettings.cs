using Gateway.Engine.Ports;
using Gateway.Linux.Native;
using Gateway.Linux.Netlink;

namespace Gateway.Linux.Settings;

/// <summary>Reverse-path filter modes (kernel documentation, ip-sysctl: rp_filter).</summary>
public enum ReversePathFilter
{
    /// <summary>No check.</summary>
    Off = 0,
    /// <summary>The source must be routed back out of the device that the packet came in on (RFC 3704 §2.2).</summary>
    Strict = 1,
    /// <summary>Some route to the source must exist (RFC 3704 §2.4).</summary>
    Loose = 2,
}

/// <summary>A kernel device, or one of the two settings that stand for several ("all", "default": index, MTU 0), with its reverse-path filter.</summary>
/// <param name="Name">The device's name.</param>
/// <param name="Index">Its interface index; 0 for "all" and "default".</param>
/// <param name="Up">Whether it is set up.</param>
/// <param name="Mtu">Bytes.</param>
/// <param name="RpFilterOwn">Its own setting.</param>
/// <param name="RpFilterAll">The setting of "all".</param>
/// <param name="RpFilterEffective">What applies: the larger of the two (IN_DEV_RPFILTER takes IN_DEV_MAXCONF).</param>
public sealed record KernelInterface(
    string Name, int Index, bool Up, int Mtu, ReversePathFilter RpFilterOwn, ReversePathFilter RpFilterAll, ReversePathFilter RpFilterEffective);

/// <summary>
/// Kernel settings under /proc/sys/net, of the calling thread's network namespace. Addressed by path: a device's name may contain dots,
/// which a sysctl name would take for slashes.
/// </summary>
public static class KernelSettings
{
    private const string Root = "/proc/sys/net/";
    private const string Conf = "ipv4/conf/";

    /// <summary>All devices by index, after "all" and "default". Throws <see cref="PortException"/>.</summary>
    public static IReadOnlyList<KernelInterface> ReadInterfaces()
    {
        var all = ReadRpFilter("all") ?? throw NotThere(Conf + "all/rp_filter");
        var interfaces = new List<KernelInterface> { new("all", 0, true, 0, all, all, all) };
        if (ReadRpFilter("default") is { } own) interfaces.Add(new KernelInterface("default", 0, true, 0, own, all, Larger(own, all)));
        foreach (var link in KernelNetwork.ReadLinks().OrderBy(link => link.Index))
        {
            // A device whose MTU is too small for IPv4 has no settings; one may also go away between the two looks.
            if (ReadRpFilter(link.Name) is { } filter)
                interfaces.Add(new KernelInterface(link.Name, link.Index, link.Up, link.Mtu, filter, all, Larger(filter, all)));
        }
        return interfaces;
    }

    /// <summary>Sets a device's own rp_filter ("all" and "default" too). Throws <see cref="PortException"/> with the command that would do it.</summary>
    public static void SetRpFilter(string name, ReversePathFilter mode)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!Enum.IsDefined(mode)) throw new ArgumentOutOfRangeException(nameof(mode), mode, "off, strict or loose");
        if (!IsPathSegment(name) || !Directory.Exists(Root + Conf + name))
            throw new PortException($"There is no device {name}.", "Use a name that ip link shows, or all, or default.", Errno.NoDevice);
        Write($"{Conf}{name}/rp_filter", (int)mode);
    }

    /// <summary>Whether the host forwards IPv4 (net.ipv4.ip_forward).</summary>
    public static bool ReadIpv4Forwarding() => Read("ipv4/ip_forward") is > 0;

    /// <summary>Switches IPv4 forwarding. The kernel resets other settings to those of a host or a router (inet_forward_change). Throws <see cref="PortException"/>.</summary>
    public static void SetIpv4Forwarding(bool on)
    {
        // Writing the value it has already is no change, but the file may be read-only.
        if (ReadIpv4Forwarding() != on) Write("ipv4/ip_forward", on ? 1 : 0);
    }

    /// <summary>Whether the host forwards IPv6 (net.ipv6.conf.all.forwarding); false where it has no IPv6.</summary>
    public static bool ReadIpv6Forwarding() => Read("ipv6/conf/all/forwarding") is > 0;

    /// <summary>Whether a packet that arrives on a device may be forwarded: IPv4 asks the device's own switch (IN_DEV_FORWARD); null where there is none.</summary>
    public static bool? ReadIpv4Forwarding(string device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return IsPathSegment(device) && Read($"{Conf}{device}/forwarding") is { } value ? value > 0 : null;
    }

    /// <summary>A device's own force_forwarding for IPv6 (Linux 6.17), which forwards even where "all" does not; false where the kernel has none.</summary>
    public static bool ReadIpv6ForceForwarding(string device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return IsPathSegment(device) && Read($"ipv6/conf/{device}/force_forwarding") is > 0;
    }

    /// <summary>
    /// Switches IPv6 forwarding on all devices. Where it goes on, default routes learned from router advertisements are lost unless the device's
    /// accept_ra is 2. Throws <see cref="PortException"/>.
    /// </summary>
    public static void SetIpv6Forwarding(bool on)
    {
        if (ReadIpv6Forwarding() != on) Write("ipv6/conf/all/forwarding", on ? 1 : 0);
    }

    /// <summary>A setting's number by its path below /proc/sys/net, such as ipv4/conf/eth0/rp_filter; null where there is none.</summary>
    public static int? ReadValue(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return path.Split('/').All(IsPathSegment) ? Read(path) : null;
    }

    /// <summary>Sets a setting's number (0 to 9) by its path below /proc/sys/net. Throws <see cref="PortException"/> with the command that would do it.</summary>
    public static void WriteValue(string path, int value)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)value, 9u, nameof(value));
        if (!path.Split('/').All(IsPathSegment)) throw NotThere(path);
        Write(path, value);
    }

    /// <summary>What sysctl(8) calls a path below /proc/sys/net.</summary>
    public static string NameOf(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        // With a slash as the first separator, dots are part of a name.
        return path.Contains('.', StringComparison.Ordinal) ? $"net/{path}" : $"net.{path.Replace('/', '.')}";
    }

    /// <summary>Devices whose default route was learned from a router advertisement: it goes when they forward, unless their accept_ra is 2.</summary>
    public static IReadOnlyList<string> ReadDevicesWithLearnedDefaultRoute()
    {
        const byte routerAdvertisement = 9; // RTPROT_RA
        var devices = KernelNetwork.ReadRoutes().Where(r => r.Protocol == routerAdvertisement && r.Prefix.PrefixLength == 0).Select(r => r.LinkIndex).ToHashSet();
        return devices.Count == 0 ? [] : [.. KernelNetwork.ReadLinks().Where(l => devices.Contains(l.Index)).Select(l => l.Name)];
    }

    private static ReversePathFilter? ReadRpFilter(string name) =>
        IsPathSegment(name) && Read($"{Conf}{name}/rp_filter") is { } value ? (ReversePathFilter)value : null;

    private static ReversePathFilter Larger(ReversePathFilter left, ReversePathFilter right) => left > right ? left : right;

    private static bool IsPathSegment(string name) => name.Length > 0 && name is not ("." or "..") && !name.Contains('/', StringComparison.Ordinal);

    private static int? Read(string path)
    {
        try
        {
            // Shared for writing too: the framework would else lock the file against others.
            using var stream = new FileStream(Root + path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            Span<byte> text = stackalloc byte[16];
            var bytes = stream.Read(text);
            return System.Buffers.Text.Utf8Parser.TryParse(text[..bytes], out int value, out _) ? value : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static void Write(string path, int value)
    {
        try
        {
            using var stream = new FileStream(Root + path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            stream.Write([(byte)('0' + value), (byte)'\n']);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Refused(path, value, e);
        }
    }

    private static PortException Refused(string path, int value, Exception e)
    {
        var command = $"sysctl -w {NameOf(path)}={value}";
        if (e is FileNotFoundException or DirectoryNotFoundException) return NotThere(path, e);
        // The framework keeps errno as the HResult of errors that it has no type for.
        if (e is IOException { HResult: Errno.ReadOnlyFileSystem })
        {
            return new PortException($"{Root}{path} cannot be set to {value}: /proc/sys is mounted read-only (EROFS).",
                $"Start the container with --sysctl {NameOf(path)}={value}{LaterDevice(path, value)}; with host networking, where Docker refuses that option, run on the host: {command}",
                Errno.ReadOnlyFileSystem, e);
        }
        return new PortException($"{Root}{path} cannot be set to {value}: {e.Message}", $"Run as root, with CAP_NET_ADMIN, or run on the host: {command}", Errno.AccessDenied, e);
    }

    // --sysctl is applied before the program makes its devices.
    private static string LaterDevice(string path, int value) => path.Split('/') is [var family, "conf", not ("all" or "default"), var name]
        ? $" (for a device that is made later: --sysctl net.{family}.conf.default.{name}={value})" : "";

    private static PortException NotThere(string path, Exception? e = null) =>
        new($"There is no {Root}{path}.", "See that /proc is mounted and that the device still exists.", Errno.NoEntry, e);
}
