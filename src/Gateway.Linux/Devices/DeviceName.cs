using System.Text;
using Gateway.Engine.Ports;

namespace Gateway.Linux.Devices;

/// <summary>The kernel's rules for device names (dev_valid_name and dev_alloc_name in net/core/dev.c), with a sentence for each.</summary>
public static class DeviceName
{
    /// <summary>IFNAMSIZ less the closing zero, bytes.</summary>
    public const int MaxBytes = 15;

    /// <summary>Says what is wrong with a name or pattern and what would be right; null when the kernel would take it.</summary>
    public static string? FindProblem(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Length == 0) return "A device needs a name of 1 to 15 bytes, such as wg0.";
        if (Encoding.UTF8.GetByteCount(name) > MaxBytes) return $"The device name '{name}' is longer than {MaxBytes} bytes.";
        if (name is "." or "..") return $"The device name '{name}' is a directory's name.";
        if (name is "all" or "default") return $"The device name '{name}' is taken by the kernel's own settings (/proc/sys/net/ipv4/conf/{name}).";
        foreach (var c in name)
        {
            if (c is '/' or ':' || char.IsWhiteSpace(c) || char.IsControl(c))
                return $"The device name '{name}' contains a slash, a colon or white space.";
        }
        var percent = name.IndexOf('%', StringComparison.Ordinal);
        if (percent >= 0 && (percent + 1 >= name.Length || name[percent + 1] != 'd' || name.IndexOf('%', percent + 1) >= 0))
            return $"The device name '{name}' has a % that is not one single %d (the place of the number, as in zhang%d).";
        return null;
    }

    internal static void ThrowIfRefused(string name)
    {
        if (FindProblem(name) is { } problem)
            throw new PortException(problem, "Use 1 to 15 letters, digits, '-', '_' or '.', such as wg0, or a pattern such as wg%d.", Native.Errno.Invalid);
    }
}
