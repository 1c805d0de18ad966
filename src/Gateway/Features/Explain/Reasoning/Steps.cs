using System.Globalization;
using Gateway.Contracts;

namespace Gateway.Features.Explain.Reasoning;

/// <summary>A hop, and how much the evidence points at it where nothing is certain (0 = not at all).</summary>
internal sealed record Step(ExplainedHop Hop, int Suspicion = 0)
{
    public bool Drops => Hop.Verdict == Verdicts.Drops;

    public Step With(params Remedy[] remedies) => this with { Hop = Hop with { Remedies = remedies } };

    public Step Because(params HopEvidence[] evidence) => this with { Hop = Hop with { Evidence = evidence } };

    public Step Suspect(int suspicion) => this with { Suspicion = suspicion };
}

/// <summary>Makes hops.</summary>
internal sealed class Place(string id, string direction, string title)
{
    public static Place Request(string id, string title) => new(id, "request", title);

    public static Place Answer(string id, string title) => new(id, "answer", title);

    public Step Passes(string basis, string reason) => Make(Verdicts.Passes, basis, reason);

    public Step Drops(string basis, string reason) => Make(Verdicts.Drops, basis, reason);

    public Step Unknown(string reason, string basis = Bases.Inferred) => Make(Verdicts.Unknown, basis, reason);

    private Step Make(string verdict, string basis, string reason) =>
        new(new ExplainedHop { Id = id, Direction = direction, Title = title, Verdict = verdict, Basis = basis, Reason = reason });
}

/// <summary>Makes evidence.</summary>
internal static class Fact
{
    public static HopEvidence Of(string source, string text, params (string Name, string Value)[] values) =>
        new(source, text, values.ToDictionary(v => v.Name, v => v.Value, StringComparer.Ordinal));

    /// <summary>"12 s", "3 min", "2 h".</summary>
    public static string Ago(TimeSpan span) => span.TotalSeconds < 120 ? string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, span.TotalSeconds):0} s")
        : span.TotalMinutes < 120 ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalMinutes:0} min") : string.Create(CultureInfo.InvariantCulture, $"{span.TotalHours:0} h");

    public static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
