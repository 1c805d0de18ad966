using System.Reflection;
using System.Resources;
using System.Text.RegularExpressions;
using Xunit;

namespace Gateway.Tests.Components;

/// <summary>Every text that a component asks for is in its resources.</summary>
public sealed partial class TextsTests
{
    private static readonly Assembly Host = Assembly.Load("Gateway");

    public static TheoryData<string> Components => [.. Directory.EnumerateFiles(Root(), "*.razor", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(Root(), f))];

    [Theory]
    [MemberData(nameof(Components))]
    public void Component_FindsAllItsTexts(string file)
    {
        var path = Path.Combine(Root(), file);
        var source = File.ReadAllText(path) + (File.Exists(path + ".cs") ? File.ReadAllText(path + ".cs") : "");
        var own = Texts($"Gateway.Components.{file[..^".razor".Length].Replace('/', '.')}");
        var shared = Texts("Gateway.Components.Shared");
        foreach (Match use in Uses().Matches(source))
        {
            var key = use.Groups["key"].Value;
            var texts = use.Groups["localizer"].Value == "S" ? shared : own;
            Assert.True(texts.Contains(key), $"{file} asks for '{key}', which is not in its resources.");
            Assert.True(!use.Groups["many"].Success || texts.Contains($"{key}.one"), $"{file} counts with '{key}', and its resources have no '{key}.one'.");
        }
    }

    private static HashSet<string> Texts(string name)
    {
        using var stream = Host.GetManifestResourceStream($"{name}.resources");
        if (stream is null) return [];
        using var reader = new ResourceReader(stream);
        return [.. reader.Cast<System.Collections.DictionaryEntry>().Select(e => (string)e.Key)];
    }

    private static string Root()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
            if (File.Exists(Path.Combine(directory.FullName, "Gateway.sln"))) return Path.Combine(directory.FullName, "src/Gateway/Components");
        throw new InvalidOperationException("There is no Gateway.sln above the tests.");
    }

    [GeneratedRegex(@"\b(?<localizer>[LS])(?:\[|(?<many>\.Many)\()""(?<key>\w+)""")]
    private static partial Regex Uses();
}
