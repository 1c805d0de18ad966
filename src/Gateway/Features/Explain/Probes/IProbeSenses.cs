using Gateway.Contracts;
using Gateway.Engine.Probes;

namespace Gateway.Features.Explain.Probes;

/// <summary>What is looked at while a probe is under way, apart from the tunnel itself: Linux, or memory in tests.</summary>
internal interface IProbeSenses
{
    /// <summary>Begins to look. Each sense that may not be used says so in what it saw.</summary>
    IProbeSight Open(ProbeKey key, KernelEvidence kernel);
}

/// <summary>One look, from before the packet is sent until it is disposed.</summary>
internal interface IProbeSight : IDisposable
{
    /// <summary>What was seen so far.</summary>
    Sight Read();
}

/// <summary>What was seen of a probe by the kernel's means.</summary>
/// <param name="Dropped">The firewall's own word on where it was dropped; null = it said nothing.</param>
/// <param name="AnswerDropped">Whether that was the answer.</param>
/// <param name="Left">Whether it was seen leaving by the device out; null = could not be looked at.</param>
/// <param name="CameBack">Whether an answer was seen arriving there; null likewise.</param>
/// <param name="Counters">Which of the kernel's counters grew meanwhile.</param>
/// <param name="Reasons">Reasons that the kernel gave for packets that it freed meanwhile.</param>
/// <param name="Facts">All of it in words, and what could not be looked at.</param>
internal sealed record Sight(
    string? Dropped, bool AnswerDropped, bool? Left, bool? CameBack, IReadOnlyDictionary<string, long> Counters, IReadOnlyDictionary<string, int> Reasons, IReadOnlyList<HopEvidence> Facts);
