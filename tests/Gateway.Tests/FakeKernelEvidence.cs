using Gateway.Engine.Probes;
using Gateway.Features.Explain;
using Gateway.Features.Explain.Gathering;
using Gateway.Features.Explain.Probes;
using Gateway.Tests.Explain;

namespace Gateway.Tests;

/// <summary>A kernel that answers as the lab's gateway does when all is well, and a host that answers nothing.</summary>
internal sealed class FakeKernelEvidence : IKernelEvidence, IHostChecker, IProbeSenses, IProbeSight
{
    public KernelQuestion? Asked { get; private set; }

    public KernelEvidence Read(KernelQuestion question)
    {
        Asked = question;
        return MadeUpEvidence.Healthy().Kernel! with { RoutedDestination = question.Packet.Destination };
    }

    public Task<HostCheck> AskAsync(PacketQuestion packet, CancellationToken cancellationToken) => Task.FromResult(new HostCheck(false, false, null));

    public IProbeSight Open(ProbeKey key, KernelEvidence kernel) => this;

    Sight IProbeSight.Read() => new(null, false, true, false, new Dictionary<string, long>(), new Dictionary<string, int>(), []);

    public void Dispose()
    {
    }
}
