using Gateway.Netns.Tests.Harness;

namespace Gateway.Benchmarks.Tunnel.Ends;

/// <summary>Key pairs of wg's; the private ones lie in a directory that only its owner reads.</summary>
internal sealed class Keys : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    /// <summary>Makes a pair.</summary>
    public async Task<KeyPair> Make(string end)
    {
        var file = Path.Combine(_directory.Path, end);
        var key = (await Command.Run("wg", "genkey")).Trim();
        await File.WriteAllTextAsync(file, key);
        return new KeyPair(file, key, (await Command.Run("/bin/sh", "-c", $"wg pubkey < {file}")).Trim());
    }

    public void Dispose() => _directory.Dispose();
}

/// <summary>A key pair.</summary>
/// <param name="PrivateFile">Where the private key is, as wg wants it.</param>
/// <param name="Private">Base64.</param>
/// <param name="Public">Base64.</param>
internal sealed record KeyPair(string PrivateFile, string Private, string Public);
