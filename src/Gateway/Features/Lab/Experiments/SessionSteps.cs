using Gateway.Contracts.Lab;

namespace Gateway.Features.Lab.Experiments;

/// <summary>The TCP session between U and V.</summary>
internal static class SessionSteps
{
    /// <summary>Opens it, with the service behind it.</summary>
    public static async Task OpenSessionAsync(this LabBench bench, CancellationToken cancellationToken)
    {
        bench.Back(LabHosts.V, LabActions.StopService);
        bench.Back(LabHosts.U, LabActions.CloseSession);
        await bench.DoAsync(LabHosts.V, "a service that answers lines, on port 23", LabActions.StartService, null, cancellationToken);
        await bench.DoAsync(LabHosts.U, "a session with it", LabActions.OpenSession, null, cancellationToken);
    }

    /// <summary>Types a word and expects that V says it has heard it.</summary>
    public static async Task ExpectHeardAsync(this LabBench bench, string text, string word, CancellationToken cancellationToken)
    {
        await bench.DoAsync(LabHosts.U, $"'{word}' is typed", LabActions.TypeSession, word, cancellationToken);
        await bench.ExpectAnswerAsync(text, word, cancellationToken);
    }

    /// <summary>Expects that V says it has heard a word.</summary>
    public static async Task ExpectAnswerAsync(this LabBench bench, string text, string word, CancellationToken cancellationToken)
    {
        var seen = "";
        var isHeard = await bench.UntilAsync(async () =>
        {
            seen = (await bench.LookAsync(LabHosts.U, LabActions.ReadSession, cancellationToken)).Text?.Trim().ReplaceLineEndings(" / ") ?? "";
            return seen.Contains($"heard {word}", StringComparison.Ordinal);
        }, cancellationToken);
        bench.Expect(text, isHeard, $"the session shows: {seen}");
    }
}
