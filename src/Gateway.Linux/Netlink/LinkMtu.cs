using System.Runtime.InteropServices;
using Gateway.Engine.Ports;
using Gateway.Linux.Native;

namespace Gateway.Linux.Netlink;

/// <summary>The MTU of a device that is configured by somebody else otherwise: address, routes and link state stay untouched.</summary>
public static class LinkMtu
{
    /// <summary>Sets it, in bytes. Throws <see cref="PortException"/> where the kernel refuses.</summary>
    public static void Set(string device, int mtu)
    {
        using var socket = new NetlinkSocket();
        var link = KernelNetwork.ReadLinks(socket).FirstOrDefault(l => l.Name == device)
            ?? throw new PortException($"The device {device} is not there.", "It was removed meanwhile: start again.", Errno.NoDevice);
        var batch = new NetlinkBatch(socket);
        MemoryMarshal.Write(batch.Begin(Rtnetlink.NewLink, 0, Rtnetlink.LinkBytes)[4..], link.Index);
        batch.Attribute(Rtnetlink.LinkMtu, (uint)mtu).End();
        if (batch.Finish() is [var failure, ..])
            throw new PortException($"The MTU {mtu} of {device} was refused: {failure.Message ?? Errno.Describe(failure.Error)}.", Remedies.ForLink(failure.Error), failure.Error);
    }
}
