using System.Globalization;
using Gateway.Linux.Native;

namespace Gateway.Linux.Devices;

/// <summary>Tells whether a device's name is free for a tunnel, before one is opened.</summary>
public static class DeviceOwner
{
    /// <summary>What has the name, in words; null where a tunnel may have it: no device does, or a persistent TUN or TAP that waits for its program.</summary>
    public static string? Find(string name)
    {
        if (InterfaceQueries.FindIndex(name) == 0) return null;
        try
        {
            // Only TUN and TAP devices have it: IFF_TUN and its kin, in hexadecimal (drivers/net/tun.c, tun_flags_show).
            var flags = int.Parse(File.ReadAllText($"/sys/class/net/{name}/tun_flags").AsSpan().Trim()[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            return (flags & Tun.Persistent) != 0 ? null : "a tunnel device that a program has open";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            return "a network device";
        }
    }
}
