using Gateway.Contracts.Lab;

namespace Gateway.Features.Lab.Experiments;

/// <summary>One of the lab's nine experiments, run on the real hosts.</summary>
internal interface IExperiment
{
    /// <summary>What it is, and what should be seen.</summary>
    LabExperiment About { get; }

    /// <summary>Runs it. Whatever it changes it puts up for taking back.</summary>
    Task RunAsync(LabBench bench, LabRunRequest how, CancellationToken cancellationToken);
}

/// <summary>All nine, in order.</summary>
internal static class LabExperiments
{
    public static IReadOnlyList<IExperiment> All { get; } =
    [
        new Experiment1Network(), new Experiment2Device(), new Experiment3Tunnel(), new Experiment4Server(), new Experiment5BothDirections(),
        new Experiment6Interruption(), new Experiment7WayBack(), new Experiment8ClientAddress(), new Experiment9Tap(),
    ];
}
