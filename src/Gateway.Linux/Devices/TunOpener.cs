using Gateway.Engine;
using Gateway.Engine.Ports;
using Gateway.Linux.Native;

namespace Gateway.Linux.Devices;

/// <summary>What TUNSETIFF and its kin gave.</summary>
internal readonly record struct OpenedTun(int Descriptor, string Name, bool HasVnetHeader, bool HasTcpSegmentation, bool HasUdpSegmentation, bool IsPersistent);

/// <summary>Opens /dev/net/tun and makes or attaches to a device, with a sentence for each way that can fail.</summary>
internal static unsafe class TunOpener
{
    public static OpenedTun Open(DeviceRequest request, bool wantVnetHeader)
    {
        DeviceName.ThrowIfRefused(request.Name);
        var descriptor = Libc.OpenPath(Tun.Path, OpenFlags.ReadWrite | OpenFlags.NonBlocking);
        if (descriptor < 0) throw CannotOpenNode(-descriptor);
        try
        {
            return Attach(descriptor, request, wantVnetHeader);
        }
        catch
        {
            _ = Libc.Close(descriptor);
            throw;
        }
    }

    private static OpenedTun Attach(int descriptor, DeviceRequest request, bool wantVnetHeader)
    {
        // A TAP goes without the header: its frames are switched, never split or sealed in batches, and the kernel segments for us.
        var vnet = wantVnetHeader && request.Layer == TunnelLayer.Ip;
        var mode = request.Layer == TunnelLayer.Ip ? Tun.ModeTun : Tun.ModeTap;
        IfReq interfaceRequest = default;
        interfaceRequest.SetName(request.Name);
        interfaceRequest.Flags = (short)(mode | Tun.NoPacketInfo | (vnet ? Tun.VnetHeader : 0));
        // SAFETY: the ioctls read and write the ifreq of this frame.
        if (Libc.IoControl(descriptor, Tun.SetInterface, &interfaceRequest) < 0)
        {
            var error = Errno.Last;
            var retry = vnet && error == Errno.Invalid;
            if (retry)
            {
                vnet = false;
                interfaceRequest.SetName(request.Name);
                interfaceRequest.Flags = (short)(mode | Tun.NoPacketInfo);
            }
            if (!retry || Libc.IoControl(descriptor, Tun.SetInterface, &interfaceRequest) < 0)
                throw CannotAttach(request, error);
        }

        bool tcp = false, udp = false;
        if (vnet)
        {
            var headerBytes = Tun.VnetHeaderBytes;
            if (Libc.IoControl(descriptor, Tun.SetVnetHeaderSize, &headerBytes) < 0)
                throw new PortException($"The kernel refused the virtio header's size on device {request.Name}: {Errno.Describe(Errno.Last)}.", "Report it with the kernel's version (uname -r).", Errno.Last);
            // A kernel before 6.2 has no USO and refuses the flags as a whole: hence TCP alone first.
            const uint tcpFlags = Tun.OffloadChecksum | Tun.OffloadTcp4 | Tun.OffloadTcp6;
            tcp = Libc.IoControl(descriptor, Tun.SetOffload, (nuint)tcpFlags) == 0;
            udp = tcp && Libc.IoControl(descriptor, Tun.SetOffload, (nuint)(tcpFlags | Tun.OffloadUdp4 | Tun.OffloadUdp6)) == 0;
        }
        else
        {
            // A persistent device may still have offloads of its last user: without the header its super-packets would look like jumbo frames.
            _ = Libc.IoControl(descriptor, Tun.SetOffload, (nuint)0);
        }
        IfReq attached = default;
        var persistent = Libc.IoControl(descriptor, Tun.GetInterface, &attached) == 0 && (attached.Flags & Tun.Persistent) != 0;
        return new OpenedTun(descriptor, interfaceRequest.GetName(), vnet, tcp, udp, persistent);
    }

    internal static PortException CannotOpenNode(int error) => error switch
    {
        Errno.NoEntry => new PortException($"There is no {Tun.Path}.",
            "In a container pass --device /dev/net/tun; on a host run modprobe tun.", error),
        Errno.NoDevice or Errno.NoDeviceOrAddress => new PortException($"{Tun.Path} exists but the kernel has no TUN driver: {Errno.Describe(error)}.",
            "Run modprobe tun on the host.", error),
        Errno.AccessDenied => new PortException($"{Tun.Path} may not be opened by this user: {Errno.Describe(error)}.",
            "Run chmod 0666 /dev/net/tun on the host (making devices still needs CAP_NET_ADMIN), or run as root.", error),
        Errno.NotPermitted => new PortException($"{Tun.Path} may not be opened in this container: {Errno.Describe(error)}.",
            "Start the container with --device /dev/net/tun.", error),
        _ => new PortException($"{Tun.Path} cannot be opened: {Errno.Describe(error)}.", "See that the tun module is loaded and that files can be opened (ulimit -n).", error),
    };

    private static PortException CannotAttach(DeviceRequest request, int error)
    {
        var kind = request.Layer == TunnelLayer.Ip ? "TUN" : "TAP";
        return error switch
        {
            Errno.NotPermitted => new PortException($"Device {request.Name} cannot be made without the capability CAP_NET_ADMIN: {Errno.Describe(error)}.",
                "In a container pass --cap-add NET_ADMIN; on a host run as root or give the executable the capability (setcap cap_net_admin+ep).", error),
            Errno.Busy => new PortException($"Device {request.Name} exists and another process has it open: {Errno.Describe(error)}.",
                $"Stop the program that runs {request.Name}, or choose another name.", error),
            Errno.Exists or Errno.Invalid when InterfaceQueries.FindIndex(request.Name) != 0 => new PortException(
                $"Device {request.Name} exists and is no {kind} device that can be attached to: {Errno.Describe(error)}.",
                $"Choose another name; 'ip -d link show {request.Name}' tells what has this one.", error),
            _ => new PortException($"The kernel refused the {kind} device {request.Name}: {Errno.Describe(error)}.", "Choose another name, such as wg0.", error),
        };
    }
}
