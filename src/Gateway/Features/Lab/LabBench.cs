using System.Globalization;
using Gateway.Contracts;
using Gateway.Contracts.Lab;
using Gateway.Features.Explain;
using Gateway.Features.Lab.Watching;
using Gateway.Web;

namespace Gateway.Features.Lab;

/// <summary>
/// Where an experiment runs: it has things done on the hosts, looks at the six points, and writes down what was expected and what was seen. A step that
/// cannot be done ends the run: what comes after does nothing and counts as not reached. What was put up for taking back is taken back at the end, the
/// last first, whatever happened.
/// </summary>
internal sealed class LabBench(string title, int number, ILabHosts hosts, LabFeed feed, LabSetUp setUp, ExplainService explain, TimeProvider time, Action<LabRun> changed)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly List<LabStep> _steps = [];
    private readonly List<LabExpectation> _expectations = [];
    private readonly List<LabExplanation> _explanations = [];
    private readonly List<string> _left = [];
    private readonly Stack<Func<CancellationToken, Task<string?>>> _backs = new();
    private readonly DateTimeOffset _at = time.GetUtcNow();
    private readonly long _from = feed.Next;

    /// <summary>Whether a step could not be done.</summary>
    public bool IsStuck { get; private set; }

    /// <summary>What the experiment changes on the gateway.</summary>
    public LabSetUp SetUp => setUp;

    /// <summary>What happened so far.</summary>
    public LabRun Run => new()
    {
        Number = number,
        Title = title,
        At = _at,
        Passed = !IsStuck && _expectations.TrueForAll(one => one.Passed) && _left.Count == 0,
        Steps = [.. _steps],
        Expectations = [.. _expectations],
        Explanations = [.. _explanations],
        Packets = feed.Since(_from),
        Left = [.. _left],
    };

    /// <summary>Has a host do something.</summary>
    /// <param name="host">One of <see cref="LabHosts"/>.</param>
    /// <param name="text">What it is, for a person.</param>
    /// <param name="action">One of <see cref="LabActions"/>.</param>
    /// <param name="value">Its value.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<LabHelperAnswer> DoAsync(string host, string text, string action, string? value, CancellationToken cancellationToken) =>
        AskAsync(host, text, new LabHelperRequest { Action = action, Value = value }, cancellationToken);

    /// <summary>Pings from a host.</summary>
    public Task<LabHelperAnswer> PingAsync(string host, string destination, int count, int id, CancellationToken cancellationToken) =>
        AskAsync(host, string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? "ping" : "pings")} of {destination}"), new LabHelperRequest { Action = LabActions.Ping, Destination = destination, Count = count, Id = id }, cancellationToken);

    /// <summary>Has the gateway do something through its own services.</summary>
    /// <param name="text">What it is.</param>
    /// <param name="command">The request that does the same.</param>
    /// <param name="act">Does it; a sentence where it was refused.</param>
    public async Task GatewayAsync(string text, string command, Func<Task<string?>> act)
    {
        if (IsStuck) return;
        Note(LabHosts.Gateway, text, command);
        if (await act() is { } problem) Stop(problem);
    }

    /// <summary>What takes back what was just done; a sentence where it could not.</summary>
    public void Back(Func<CancellationToken, Task<string?>> back)
    {
        if (!IsStuck) _backs.Push(back);
    }

    /// <summary>Takes it back by an action of a host.</summary>
    public void Back(string host, string action, string? value = null) => Back(async cancellationToken => (await hosts.AskAsync(host, new LabHelperRequest { Action = action, Value = value }, cancellationToken)).Problem);

    /// <summary>Returns when all that has passed is to be seen at the points.</summary>
    public Task SettleAsync(CancellationToken cancellationToken) => IsStuck ? Task.CompletedTask : feed.SyncAsync(cancellationToken);

    /// <summary>What is looked at from now on passes from now on.</summary>
    public long Mark() => feed.Next;

    /// <summary>The first packet of this run at a point, whose line or whose inside has such a text.</summary>
    public LabPacket? Saw(string point, string text, long since = 0) => SeenAt(point, text, since).FirstOrDefault();

    /// <summary>Expects something.</summary>
    public void Expect(string text, bool passed, string seen)
    {
        _expectations.Add(IsStuck ? new LabExpectation(text, false, "not reached") : new LabExpectation(text, passed, seen));
        changed(Run);
    }

    /// <summary>Expects a packet at a point.</summary>
    public LabPacket? ExpectAt(string text, string point, string packet, Func<LabPacket, bool>? also = null, long since = 0)
    {
        var seen = IsStuck ? [] : SeenAt(point, packet, since).ToList();
        var right = seen.Find(one => also?.Invoke(one) != false);
        Expect(text, right is not null, (right ?? seen.FirstOrDefault()) is { } shown ? Describe(shown) : $"nothing of it at {point}");
        return right;
    }

    /// <summary>Expects that a packet does not come by a point.</summary>
    public void ExpectNotAt(string text, string point, string packet, long since = 0)
    {
        var found = IsStuck ? null : Saw(point, packet, since);
        Expect(text, found is null, found is null ? $"nothing of it at {point}" : Describe(found));
    }

    /// <summary>Tries until it is so, or for a minute.</summary>
    public async Task<bool> UntilAsync(Func<Task<bool>> condition, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        while (!IsStuck && !await condition())
        {
            if (time.GetElapsedTime(started) > Patience) return false;
            await Task.Delay(Interval, time, cancellationToken);
        }

        return !IsStuck;
    }

    /// <summary>Pings V, or another, until an answer comes.</summary>
    public async Task ExpectReachesAsync(string text, string destination, CancellationToken cancellationToken)
    {
        Note(LabHosts.U, $"pings of {destination} until an answer comes", $"ping -c 1 {destination}");
        var reaches = await UntilAsync(async () => (await hosts.AskAsync(LabHosts.U, new LabHelperRequest { Action = LabActions.Ping, Destination = destination }, cancellationToken)).Received > 0, cancellationToken);
        Expect(text, reaches, reaches ? $"an answer from {destination}" : $"no answer from {destination}");
    }

    /// <summary>Asks a host and notes nothing: for looking.</summary>
    public Task<LabHelperAnswer> LookAsync(string host, string action, CancellationToken cancellationToken) =>
        IsStuck ? Task.FromResult(new LabHelperAnswer { Problem = "not reached" }) : hosts.AskAsync(host, new LabHelperRequest { Action = action }, cancellationToken);

    /// <summary>Has the gateway explain the way of a ping.</summary>
    /// <param name="when">What is so now.</param>
    /// <param name="peer">Whose.</param>
    /// <param name="source">Inner source.</param>
    /// <param name="destination">Inner destination.</param>
    /// <param name="hop">The hop to be named, or null where it should pass; empty = whatever it says.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="asker">Who pings until it is named.</param>
    public async Task ExplainAsync(string when, string peer, string source, string destination, string? hop, CancellationToken cancellationToken, (string Host, string Destination)? asker = null)
    {
        if (IsStuck) return;
        Explanation? last = null;
        Failure? failure = null;
        // Some evidence takes its time: a flow that stays unanswered, a neighbour that is asked three times.
        var isSo = await UntilAsync(async () =>
        {
            if (!(await explain.ExplainAsync(new ExplainRequest { Peer = peer, Source = source, Destination = destination }, cancellationToken)).Succeeded(out last, out failure)) return true;
            if (hop is "" || last!.Culprit == hop) return true;
            var (host, aim) = asker ?? (LabHosts.U, destination);
            await hosts.AskAsync(host, new LabHelperRequest { Action = LabActions.Ping, Destination = aim }, cancellationToken);
            return false;
        }, cancellationToken);
        if (last is not null) _explanations.Add(new LabExplanation(when, last));
        if (hop is "" && failure is null)
        {
            changed(Run);
            return;
        }

        var culprit = last?.Hops.FirstOrDefault(one => one.Id == last.Culprit);
        Expect(hop is null ? $"Explain finds nothing wrong {when}" : $"Explain names '{hop}' {when}", isSo && failure is null,
            failure?.Detail ?? (culprit is null ? last?.Summary ?? "nothing" : $"{culprit.Title}: {culprit.Reason}"));
    }

    /// <summary>Takes back what was put up for it; called once, at the end.</summary>
    public async Task EndAsync()
    {
        while (_backs.TryPop(out var back))
        {
            if (await back(CancellationToken.None) is { } problem) _left.Add(problem);
        }
    }

    /// <summary>Writes down a step.</summary>
    public void Note(string host, string text, string? command)
    {
        if (IsStuck) return;
        _steps.Add(new LabStep(host, text, command));
        changed(Run);
    }

    private IEnumerable<LabPacket> SeenAt(string point, string text, long since) => feed.Since(Math.Max(_from, since))
        .Where(packet => packet.Point == point && (packet.Summary.Contains(text, StringComparison.Ordinal) || packet.Subject.Contains(text, StringComparison.Ordinal)));

    private static string Describe(LabPacket packet) =>
        $"{packet.Point}: {packet.Summary}{(packet.IsTunnel ? $"; inside{(packet.IsInferred ? ", by time and length" : "")}: {packet.Subject}" : "")}{(packet.Ttl > 0 && !packet.IsTunnel ? string.Create(CultureInfo.InvariantCulture, $", ttl {packet.Ttl}, {packet.Bytes} bytes") : "")}";

    private async Task<LabHelperAnswer> AskAsync(string host, string text, LabHelperRequest request, CancellationToken cancellationToken)
    {
        if (IsStuck) return new LabHelperAnswer { Problem = "not reached" };
        var answer = await hosts.AskAsync(host, request, cancellationToken);
        Note(host, text, answer.Command);
        if (answer.Problem is { } problem) Stop($"{host}: {problem}");
        return answer;
    }

    private void Stop(string problem)
    {
        _expectations.Add(new LabExpectation("Each step can be done", false, problem));
        IsStuck = true;
        changed(Run);
    }
}
