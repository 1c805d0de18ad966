using System.Net;

namespace Gateway.Features.Explain.Gathering;

/// <summary>What is asked of the kernel for one explanation.</summary>
/// <param name="TunnelDevice">The tunnel's device.</param>
/// <param name="Packet">The packet.</param>
/// <param name="Endpoint">Where the peer is; null = not known.</param>
internal sealed record KernelQuestion(string TunnelDevice, PacketQuestion Packet, IPEndPoint? Endpoint);

/// <summary>Asks the kernel: Linux, or memory in tests. Nothing is changed by it.</summary>
internal interface IKernelEvidence
{
    /// <summary>Throws <see cref="Engine.Ports.PortException"/> where the kernel cannot be asked at all.</summary>
    KernelEvidence Read(KernelQuestion question);
}
