using Gateway.Contracts;
using Gateway.Features.Explain.Gathering;
using Gateway.Features.Explain.Reasoning;
using Gateway.Security;
using Gateway.Web;

namespace Gateway.Features.Explain;

/// <summary>Why a packet passes or does not: gathers the evidence, then reasons over it.</summary>
internal sealed class ExplainService(Caller caller, EvidenceGatherer gatherer)
{
    public async Task<Outcome<Explanation>> ExplainAsync(ExplainRequest request, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Explain) is { } denied) return denied;
        return (await gatherer.GatherAsync(request, cancellationToken)).Succeeded(out var evidence, out var failure) ? Reasoner.Explain(evidence) : failure;
    }
}
