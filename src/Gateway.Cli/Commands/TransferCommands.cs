using System.CommandLine;
using Gateway.Cli.Api;
using Gateway.Contracts;

namespace Gateway.Cli.Commands;

/// <summary><c>gateway import</c> and <c>gateway export</c>: wg-quick files, in and out.</summary>
internal static class TransferCommands
{
    public static ApiCommand Import()
    {
        var paths = new Argument<string[]>("PATH") { Arity = ArgumentArity.OneOrMore, Description = "wg-quick files, or directories with .conf files." };
        var endpoint = new Option<string?>("--endpoint") { HelpName = "HOST:PORT", Description = "What clients dial; written into their configs." };
        var preview = new Option<bool>("--preview") { Description = "Change nothing; show what it would make, and what does the same as its ignored lines." };
        return new ApiCommand("import", "Take wg-quick files over, all of them or none. Commands in them are never run.", "Import", "PreviewImport").With(paths, endpoint, preview).Does(async session =>
        {
            var request = new ImportRequest { Files = [.. session.Value(paths).SelectMany(Files).Select(Read)], Endpoint = session.Value(endpoint) };
            var result = await session.Api.Transfer.ImportAsync(request, session.Value(preview), session.Stopped);
            if (session.IsJson)
            {
                session.Show(result);
                return;
            }

            var answer = ApiSession.Take(result);
            if (answer.Preview) session.View.Plan(new PlanResponse(answer.Changes));
            else session.View.Sentence($"Made {answer.Changes.Count} things: {string.Join(", ", answer.Changes.Select(c => c.Subject))}.");
            foreach (var skipped in answer.Skipped) session.View.Sentence($"Skipped: {skipped}");
            foreach (var line in answer.Ignored) session.View.Sentence($"Ignored: {line.File}:{line.Line}: {line.Text}  →  {line.Equivalent}");
        });
    }

    public static ApiCommand Export()
    {
        var file = new Argument<string>("FILE") { Description = "The zip to write." };
        var tunnel = new Option<string?>("--tunnel") { HelpName = "TUNNEL", Description = "Only this tunnel." }.Completing(Names.TunnelNamesAsync);
        return new ApiCommand("export", "Write tunnels as wg-quick files, keys included, into a zip.", "Export").WithoutJson().With(file, tunnel).Does(async session =>
        {
            using var answer = ApiSession.Take(await session.Api.Transfer.ExportAsync(session.Value(tunnel), session.Stopped));
            await using (var to = OwnFile.Open(session.Value(file))) await answer.Content.CopyToAsync(to, session.Stopped);
            session.View.Sentence($"The files are in {session.Value(file)}.");
        });
    }

    private static string[] Files(string path) => Directory.Exists(path) ? [.. Directory.GetFiles(path, "*.conf").Order(StringComparer.Ordinal)] : [path];

    private static ImportFile Read(string path) => new() { Name = Path.GetFileName(path), Text = SecretFile.Read(path) };
}
