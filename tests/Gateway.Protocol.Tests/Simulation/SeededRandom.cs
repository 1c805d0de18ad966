using System.Security.Cryptography;

namespace Gateway.Protocol.Tests.Simulation;

/// <summary>The same "random" bytes in every run, so that a failure repeats.</summary>
internal sealed class SeededRandom(int seed) : RandomNumberGenerator
{
    private readonly Random _random = new(seed);

    public override void GetBytes(byte[] data) => _random.NextBytes(data);

    public override void GetBytes(Span<byte> data) => _random.NextBytes(data);
}
