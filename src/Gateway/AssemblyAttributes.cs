// TUN devices, netlink and file modes: the gateway is for Linux.
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
