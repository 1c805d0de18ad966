using BenchmarkDotNet.Attributes;
using Gateway.Protocol;

namespace Gateway.Benchmarks;

/// <summary>What one packet costs in the AEAD, on a prepared key, at the smallest and the largest common size.</summary>
[MemoryDiagnoser]
public class AeadBenchmarks
{
    private readonly byte[] _message = new byte[2048];
    private readonly byte[] _sealed = new byte[2048];
    private readonly byte[] _opened = new byte[2048];
    private AeadKey _key = null!;
    private ulong _counter;

    /// <summary>Bytes of plaintext.</summary>
    [Params(64, 1420)]
    public int Bytes { get; set; }

    /// <summary>Prepares a key and one sealed message.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _key = new LibcryptoPrimitives().CreateAeadKey(new byte[32]);
        _key.Seal(0, _message.AsSpan(0, Bytes), _sealed);
    }

    /// <summary>Frees the key.</summary>
    [GlobalCleanup]
    public void Cleanup() => _key.Dispose();

    /// <summary>Seals out of place, each time under a new counter.</summary>
    [Benchmark]
    public void Seal() => _key.Seal(++_counter, _message.AsSpan(0, Bytes), _opened);

    /// <summary>Opens out of place, so that every turn sees the same ciphertext.</summary>
    [Benchmark]
    public bool Open() => _key.TryOpen(0, _sealed.AsSpan(0, Bytes + AeadKey.TagSize), _opened);
}
