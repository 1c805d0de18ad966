namespace Gateway.Netns.Tests.Harness;

/// <summary>A directory that goes away with its user.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("gwt-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
