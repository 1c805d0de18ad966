using System.Buffers.Text;

namespace Gateway.Components;

/// <summary>How chosen peers stand in an address: <c>all</c> that match, or each by its id in 22 letters.</summary>
internal static class PeerSelection
{
    public const string All = "all";

    /// <summary>An address has to fit into a request line (Kestrel takes 8 KiB). A larger choice that is not all lasts as long as the page.</summary>
    private const int MostWritten = 200;

    private const char Separator = '.';

    public static string? Write(IReadOnlyCollection<Guid> ids, int? total) => ids.Count switch
    {
        0 => null,
        > 1 when ids.Count == total => All,
        > MostWritten => null,
        _ => string.Join(Separator, ids.Select(id => Base64Url.EncodeToString(id.ToByteArray()))),
    };

    /// <summary>What is no id is left out.</summary>
    public static IEnumerable<Guid> Read(string? text)
    {
        foreach (var word in (text ?? "").Split(Separator, StringSplitOptions.RemoveEmptyEntries))
        {
            var bytes = new byte[16];
            if (word.Length == 22 && Base64Url.TryDecodeFromChars(word, bytes, out var written) && written == bytes.Length) yield return new Guid(bytes);
        }
    }
}
