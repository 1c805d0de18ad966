using System.Net;
using Gateway.Engine;
using Gateway.Linux.Native;

namespace Gateway.Linux.Netlink;

/// <summary>What a person can do when the kernel refuses a setting.</summary>
internal static class Remedies
{
    private const string Capability = "Give the process CAP_NET_ADMIN (container: --cap-add NET_ADMIN).";

    public static string ForLink(int error) => error == Errno.NotPermitted ? Capability : "See the kernel's log (dmesg).";

    public static string ForAddress(int error, InterfaceAddress address, string device) => error switch
    {
        Errno.NotPermitted => Capability,
        Errno.AccessDenied or Errno.NotSupported when IsV6(address.Address) =>
            $"IPv6 is switched off on this host: set net.ipv6.conf.{device}.disable_ipv6=0 (container: --sysctl net.ipv6.conf.default.disable_ipv6=0), or take the IPv6 address off the tunnel.",
        Errno.Invalid when IsV6(address.Address) => "IPv6 needs an MTU of 1280 or more, and a unicast address.",
        Errno.Exists => $"It is set already, with another prefix length: see ip addr show dev {device}.",
        _ => "Use a unicast address that no other device needs.",
    };

    public static string ForRoute(int error, IPNetwork route, string device) => error switch
    {
        Errno.NotPermitted => Capability,
        Errno.Exists => $"The prefix has a route already: see ip route show {route}. Remove that one, or give the tunnel a longer prefix.",
        Errno.AccessDenied or Errno.NotSupported or Errno.NoDevice when IsV6(route.BaseAddress) =>
            $"IPv6 is switched off on this host: set net.ipv6.conf.{device}.disable_ipv6=0 (container: --sysctl net.ipv6.conf.default.disable_ipv6=0), or take the IPv6 prefix off the tunnel.",
        Errno.NetworkDown => $"The device is down: see ip link show dev {device}.",
        Errno.Invalid => "Use a prefix whose host bits are zero.",
        _ => "Correct the prefix, or see the kernel's log (dmesg).",
    };

    private static bool IsV6(IPAddress address) => address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
}
