using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.Contracts;
using QRCoder;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Gateway.Cli.Output;

/// <summary>Shows the API's answers to people: tables, colours on a terminal, neither widths nor colours when piped or with NO_COLOR (no-color.org).</summary>
internal sealed class View
{
    private static readonly Style s_quiet = new(decoration: Decoration.Dim);

    private static readonly Dictionary<string, Style> s_states = new(StringComparer.Ordinal)
    {
        ["up"] = Color.Green,
        ["working"] = Color.Green,
        ["opening"] = Color.Yellow,
        ["receive-only"] = Color.Yellow,
        ["send-only"] = Color.Yellow,
        ["handshake-only"] = Color.Yellow,
        ["warning"] = Color.Yellow,
        ["failed"] = Color.Red,
        ["error"] = Color.Red,
        ["never"] = s_quiet,
        ["idle"] = s_quiet,
    };

    private readonly TextWriter _output;

    public View(TextWriter output)
    {
        _output = output;
        IsTerminal = ReferenceEquals(output, System.Console.Out) && !System.Console.IsOutputRedirected;
        var colours = IsTerminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        Console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = colours ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = colours ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
        });
        // What a program reads is never wrapped.
        if (!IsTerminal) Console.Profile.Width = 100_000;
    }

    /// <summary>What it writes with.</summary>
    public IAnsiConsole Console { get; }

    /// <summary>Whether a person looks at it.</summary>
    public bool IsTerminal { get; }

    public void Sentence(string text) => _output.WriteLine(Words.Clean(text));

    /// <summary>One line an item, the members named as columns.</summary>
    public void Table(JsonArray items, IReadOnlyList<string> columns, bool more)
    {
        var members = columns.Select(JsonNamingPolicy.CamelCase.ConvertName).ToList();
        Grid(members.Select(m => Words.Label(m).ToUpperInvariant()), items.Select(item => members.Select(m => Cell(m, item![m]))));
        if (more) Console.Write(new Text("… there are more\n", s_quiet));
    }

    /// <summary>One line a member; what is null or empty is left out. Lists of things become lines of their own.</summary>
    public void Details(JsonNode document)
    {
        if (document is JsonArray list)
        {
            foreach (var item in list)
            {
                if (item is JsonObject) Details(item);
                else Sentence(Words.Value("", item));
            }

            return;
        }

        Grid([], document.AsObject().Where(m => Words.Value(m.Key, m.Value).Length > 0).Select(m => (IRenderable[])[new Text(Words.Label(m.Key), s_quiet), Cell(m.Key, m.Value)]));
    }

    /// <summary>What a change would do.</summary>
    public void Plan(PlanResponse plan)
    {
        Sentence("Nothing was changed. It would be:");
        Grid(["ACTION", "WHAT", "MEMBER", "FROM", "TO"], plan.Changes.SelectMany(change => (change.After ?? change.Before ?? []).Select((member, i) => (IRenderable[])
        [
            new Text(i == 0 ? Words.Clean(change.Action) : ""), new Text(i == 0 ? Words.Clean(change.Subject) : ""), new Text(Words.Label(member.Key)),
            Cell(member.Key, change.Before?[member.Key]), Cell(member.Key, change.After?[member.Key]),
        ])));
        foreach (var effect in plan.Effects) Sentence(effect);
        Forecast(plan.Breaks, "Of the last hour's conversations this breaks {0}", "Of the last hour's conversations this breaks none.");
        Forecast(plan.BeginsToPass, "It lets pass {0} that were dropped or not answered", null);
    }

    private void Forecast(FlowForecast? forecast, string some, string? none)
    {
        if (forecast is not { Flows: > 0 })
        {
            if (forecast is not null && none is not null) Sentence(none);
            return;
        }

        Sentence($"{string.Format(CultureInfo.InvariantCulture, some, forecast.Flows)}{(forecast.Flows > forecast.Largest.Count ? ", the largest" : "")}:");
        foreach (var flow in forecast.Largest) Sentence($"  {flow.Text}");
    }

    /// <summary>A QR code, two modules a character. On a terminal with colours it is dark on bright, as readers want it, whatever the terminal's own colours are.</summary>
    public void QrCode(string text)
    {
        using var data = QRCodeGenerator.GenerateQrCode(text, QRCodeGenerator.ECCLevel.L);
        using var code = new AsciiQRCode(data);
        Console.Write(new Text(code.GetGraphicSmall(endOfLine: "\n") + "\n", new Style(Color.White, Color.Black)));
    }

    /// <summary>Rows of cells below their headings.</summary>
    public void Grid(IEnumerable<string> headings, IEnumerable<IEnumerable<IRenderable>> rows)
    {
        var titles = headings.ToList();
        var table = new Table { Border = TableBorder.None, ShowHeaders = titles.Count > 0 };
        var lines = rows.Select(r => r.ToList()).ToList();
        for (var i = 0; i < Math.Max(titles.Count, lines.Count > 0 ? lines[0].Count : 0); i++)
            table.AddColumn(new TableColumn(new Text(i < titles.Count ? titles[i] : "", new Style(decoration: Decoration.Bold))) { Padding = new Padding(0, 0, 2, 0) });
        if (table.Columns.Count == 0) return;
        foreach (var line in lines) table.AddRow(line);
        Console.Write(table);
    }

    private static Text Cell(string member, JsonNode? value)
    {
        var text = Words.Value(member, value);
        return new Text(text, s_states.GetValueOrDefault(text));
    }
}
