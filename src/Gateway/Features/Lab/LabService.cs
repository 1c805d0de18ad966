using System.Globalization;
using Gateway.Contracts.Lab;
using Gateway.Features.Audit;
using Gateway.Features.Explain;
using Gateway.Features.Lab.Experiments;
using Gateway.Features.Lab.Watching;
using Gateway.Security;
using Gateway.Web;

namespace Gateway.Features.Lab;

/// <summary>The lab: who may read looks at it, an administrator runs, breaks and heals. One run at a time; each is on record.</summary>
internal sealed class LabService(
    Caller caller, AuditTrail audit, ILabHosts hosts, LabFeed feed, LabSetUp setUp, LabMemory memory, ExplainService explain, TimeProvider time)
{
    private readonly LabDifferences _differences = new(hosts, setUp);

    /// <summary>The lab as it is.</summary>
    public async Task<Outcome<LabResponse>> GetAsync(CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        var found = await _differences.ReadHostsAsync(cancellationToken);
        var differences = await _differences.FindAsync(found, cancellationToken);
        return new LabResponse
        {
            Experiments = [.. LabExperiments.All.Select(experiment => experiment.About)],
            Breaks = [.. Breakage.All.Select(one => new LabBreak(one.Name, one.Title, one.Commands, differences.Any(difference => difference.Break == one.Name), one.HasVariants))],
            Hosts = found,
            IsAsSetUp = differences.Count == 0 && found.All(host => host.Problem is null),
            Differences = [.. differences.Select(difference => difference.Words), .. found.Where(host => host.Problem is not null).Select(host => host.Problem!)],
        };
    }

    /// <summary>The last run of an experiment, without its packets for who may not see packets.</summary>
    public Outcome<LabRun> GetRun(string number)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        if (Find(number) is not { } experiment) return NoExperiment(number);
        return memory.Runs.TryGetValue(experiment.About.Number, out var run) ? Show(run) : Failure.NotFound("run of experiment", number);
    }

    /// <summary>Runs an experiment and takes back what it changed.</summary>
    /// <param name="number">1 to 9.</param>
    /// <param name="how">Of experiment 8.</param>
    /// <param name="changed">Told of each step; null = not.</param>
    /// <param name="cancellationToken">Ends it; what was changed is taken back all the same.</param>
    public async Task<Outcome<LabRun>> RunAsync(string number, LabRunRequest how, Action<LabRun>? changed, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Administer) is { } denied) return denied;
        if (Find(number) is not { } experiment) return NoExperiment(number);
        if (Check(how, experiment.About.HasVariants) is { } wrong) return wrong;
        return await AloneAsync(async () =>
        {
            if (await DifferentAsync(cancellationToken) is { } different) return different;
            await audit.NoteAsync("lab.run", $"experiment {experiment.About.Number}", experiment.About.HasVariants ? how : null, cancellationToken);
            var run = await OnBenchAsync(experiment.About.Title, experiment.About.Number, changed, async bench =>
            {
                try
                {
                    await experiment.RunAsync(bench, how, cancellationToken);
                }
                finally
                {
                    await bench.EndAsync();
                }
            }, cancellationToken);
            memory.Runs[run.Number] = run;
            return Show(run);
        });
    }

    /// <summary>Breaks something; it stays broken until it is healed.</summary>
    public async Task<Outcome<LabRun>> BreakAsync(string name, LabRunRequest how, Action<LabRun>? changed, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Administer) is { } denied) return denied;
        if (Breakage.All.FirstOrDefault(one => one.Name == name) is not { } breakage) return NoBreak(name);
        if (Check(how, breakage.HasVariants) is { } wrong) return wrong;
        return await AloneAsync(async () =>
        {
            if (await DifferentAsync(cancellationToken) is { } different) return different;
            await audit.NoteAsync("lab.break", name, breakage.HasVariants ? how : null, cancellationToken);
            return Show(await OnBenchAsync(breakage.Title, 0, changed, async bench =>
            {
                try
                {
                    await breakage.RunAsync(bench, how, cancellationToken);
                }
                finally
                {
                    // Half broken is neither.
                    if (bench.IsStuck || cancellationToken.IsCancellationRequested) await bench.EndAsync();
                }
            }, cancellationToken, leavesNothing: false));
        });
    }

    /// <summary>Heals what belongs to one break.</summary>
    public async Task<Outcome<LabRun>> HealAsync(string name, Action<LabRun>? changed, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Administer) is { } denied) return denied;
        if (Breakage.All.FirstOrDefault(one => one.Name == name) is not { } breakage) return NoBreak(name);
        return await PutBackAsync($"Heal: {breakage.Title}", "lab.heal", name, difference => difference.Break == name, changed, cancellationToken);
    }

    /// <summary>Puts everything back as <c>make lab</c> left it.</summary>
    public async Task<Outcome<LabRun>> ResetAsync(Action<LabRun>? changed, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Administer) is { } denied) return denied;
        return await PutBackAsync("Reset", "lab.reset", "all", _ => true, changed, cancellationToken);
    }

    private Task<Outcome<LabRun>> PutBackAsync(string title, string action, string subject, Func<LabDifference, bool> which, Action<LabRun>? changed, CancellationToken cancellationToken) => AloneAsync(async () =>
    {
        await audit.NoteAsync(action, subject, null, cancellationToken);
        return Show(await OnBenchAsync(title, 0, changed, async bench =>
        {
            bench.Back(LabHosts.V, LabActions.StopService);
            bench.Back(LabHosts.U, LabActions.CloseSession);
            await bench.EndAsync();
            foreach (var difference in (await FindDifferencesAsync(cancellationToken)).Where(which).ToList())
            {
                bench.Note(difference.Host, $"Put back: {difference.Words}", difference.Command);
                if (await difference.PutBackAsync(cancellationToken) is { } problem) bench.Expect($"Put back: {difference.Words}", false, problem);
            }

            if ((await FindDifferencesAsync(cancellationToken)).Count > 0) return;
            await bench.ExpectReachesAsync("U reaches V", LabAddresses.V, cancellationToken);
            await bench.ExplainAsync("now", LabSetUp.PeerOf(LabSetUp.WireGuardTunnel), LabAddresses.WireGuardU, LabAddresses.V, null, cancellationToken);
        }, cancellationToken));
    });

    private async Task<LabRun> OnBenchAsync(string title, int number, Action<LabRun>? changed, Func<LabBench, Task> run, CancellationToken cancellationToken, bool leavesNothing = true)
    {
        using var watching = feed.Open();
        await feed.SyncAsync(cancellationToken);
        var bench = new LabBench(title, number, hosts, feed, setUp, explain, time, done => changed?.Invoke(Show(done)));
        await run(bench);
        await feed.SyncAsync(CancellationToken.None);
        var done = bench.Run;
        if (!leavesNothing) return done;
        string[] left = [.. done.Left, .. (await FindDifferencesAsync(CancellationToken.None)).Select(difference => difference.Words)];
        return done with { Left = left, Passed = done.Passed && left.Length == 0 };
    }

    private async Task<IReadOnlyList<LabDifference>> FindDifferencesAsync(CancellationToken cancellationToken) =>
        await _differences.FindAsync(await _differences.ReadHostsAsync(cancellationToken), cancellationToken);

    private async Task<Failure?> DifferentAsync(CancellationToken cancellationToken)
    {
        var found = await _differences.ReadHostsAsync(cancellationToken);
        if (found.FirstOrDefault(host => host.Problem is not null) is { } gone) return new Failure(FailureKind.Unavailable, gone.Problem!, []);
        var differences = await _differences.FindAsync(found, cancellationToken);
        return differences.Count == 0 ? null : new Failure(FailureKind.Conflict,
            $"The lab is not as make lab left it: {string.Join(' ', differences.Select(difference => difference.Words))} Reset it first: gateway lab reset.", []);
    }

    private async Task<Outcome<LabRun>> AloneAsync(Func<Task<Outcome<LabRun>>> run)
    {
        if (!await memory.One.WaitAsync(TimeSpan.Zero)) return new Failure(FailureKind.Conflict, "Something runs in the lab already; wait until it is through.", []);
        try
        {
            return await run();
        }
        finally
        {
            memory.One.Release();
        }
    }

    private LabRun Show(LabRun run) => caller.May(Permission.SeePackets) ? run : run with { Packets = [] };

    private static IExperiment? Find(string number) =>
        int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var wanted) ? LabExperiments.All.FirstOrDefault(experiment => experiment.About.Number == wanted) : null;

    private static Failure? Check(LabRunRequest how, bool hasVariants)
    {
        if (hasVariants) return MovedAddress.Read(how).Failure;
        return how == new LabRunRequest() ? null : Failure.Of(FailureKind.Rule, "rpFilter", "This has no variants.", "rpFilter, on and defaultRoute belong to experiment 8 and to the break moved-address.");
    }

    private static Failure NoExperiment(string number) => new(FailureKind.NotFound, $"There is no experiment '{number}'; there are 1 to 9.", []);

    private static Failure NoBreak(string name) => new(FailureKind.NotFound, $"There is nothing to break called '{name}'; there are {string.Join(", ", Breakage.All.Select(one => one.Name))}.", []);
}
