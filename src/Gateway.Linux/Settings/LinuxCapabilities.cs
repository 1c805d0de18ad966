using System.Globalization;
using Gateway.Linux.Devices;
using Gateway.Linux.Native;

namespace Gateway.Linux.Settings;

/// <summary>Something that tunnels need and this process has not got.</summary>
/// <param name="Message">What is missing and what for.</param>
/// <param name="Remedy">What a person can do.</param>
public sealed record MissingCapability(string Message, string Remedy);

/// <summary>What the surroundings allow, looked at once at start.</summary>
/// <param name="HasNetAdmin">The effective capability CAP_NET_ADMIN: needed to make devices and to set addresses and routes.</param>
/// <param name="CanOpenTun">Whether /dev/net/tun exists and opens.</param>
/// <param name="Missing">A sentence and a remedy for each thing missing; empty when tunnels can run.</param>
public sealed record LinuxCapabilities(bool HasNetAdmin, bool CanOpenTun, IReadOnlyList<MissingCapability> Missing)
{
    private const int NetAdmin = 12; // CAP_NET_ADMIN, linux/capability.h

    /// <summary>Looks. Never throws, changes nothing.</summary>
    public static LinuxCapabilities Read()
    {
        var missing = new List<MissingCapability>();
        var descriptor = Libc.OpenPath(Tun.Path, OpenFlags.ReadWrite | OpenFlags.NonBlocking);
        if (descriptor >= 0)
        {
            _ = Libc.Close(descriptor); // no device is made before TUNSETIFF
        }
        else
        {
            var error = TunOpener.CannotOpenNode(-descriptor);
            missing.Add(new MissingCapability(error.Message, error.Remedy));
        }

        // Unknown (no /proc) counts as there: the first device will tell.
        var hasNetAdmin = ReadEffective() is not { } effective || (effective & (1UL << NetAdmin)) != 0;
        if (!hasNetAdmin)
        {
            missing.Add(new MissingCapability(
                "This process lacks the capability CAP_NET_ADMIN, without which no tunnel device can be made.",
                "In a container pass --cap-add NET_ADMIN; on a host run as root or give the executable the capability (setcap cap_net_admin+ep)."));
        }
        return new LinuxCapabilities(hasNetAdmin, descriptor >= 0, missing);
    }

    private static ulong? ReadEffective()
    {
        const string field = "CapEff:";
        try
        {
            var line = File.ReadLines("/proc/thread-self/status").FirstOrDefault(line => line.StartsWith(field, StringComparison.Ordinal));
            return ulong.TryParse(line.AsSpan(line is null ? 0 : field.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var value) ? value : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
