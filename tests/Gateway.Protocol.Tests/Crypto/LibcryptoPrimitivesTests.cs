using System.Text;

namespace Gateway.Protocol.Tests.Crypto;

public sealed class LibcryptoPrimitivesTests
{
    private static readonly LibcryptoPrimitives Crypto = new();

    [Theory]
    [InlineData("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4", "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c", "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")]
    [InlineData("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d", "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493", "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957")]
    public void TryAgree_Rfc7748Section52Vector_GivesItsResult(string scalar, string point, string expected)
    {
        var shared = new byte[32];
        Assert.True(Crypto.TryAgree(Hex(scalar), Hex(point), shared));
        Assert.Equal(expected, Text(shared));
    }

    [Fact]
    public void TryAgree_Rfc7748Section61Vector_GivesTheSharedSecretToBoth()
    {
        var alice = Hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
        var bob = Hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
        byte[] alicePublic = new byte[32], bobPublic = new byte[32], atAlice = new byte[32], atBob = new byte[32];
        Crypto.DerivePublicKey(alice, alicePublic);
        Crypto.DerivePublicKey(bob, bobPublic);
        Assert.Equal("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a", Text(alicePublic));
        Assert.Equal("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f", Text(bobPublic));
        Assert.True(Crypto.TryAgree(alice, bobPublic, atAlice));
        Assert.True(Crypto.TryAgree(bob, alicePublic, atBob));
        Assert.Equal("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742", Text(atAlice));
        Assert.Equal(atAlice, atBob);
    }

    [Theory]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")]
    [InlineData("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    public void TryAgree_PointOfLowOrder_IsRefused(string point)
    {
        var shared = Enumerable.Repeat((byte)1, 32).ToArray();
        Assert.False(Crypto.TryAgree(Hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"), Hex(point), shared));
        Assert.All(shared, b => Assert.Equal(0, b));
    }

    [Theory]
    [InlineData("abc", "", "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982")]
    [InlineData("a", "bc", "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982")]
    [InlineData("", "", "69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9")]
    public void Hash_Rfc7693Vector_GivesItsDigest(string first, string second, string expected)
    {
        var hash = new byte[32];
        Crypto.Hash(Encoding.ASCII.GetBytes(first), Encoding.ASCII.GetBytes(second), hash);
        Assert.Equal(expected, Text(hash));
    }

    // RFC 7693 has no single keyed vector: these are what Python's hashlib, built on the reference code, gives for keys and data 0, 1, 2, …
    [Theory]
    [InlineData(32, "0b67d33f8b859c3157fbabd9e6e47ed0")]
    [InlineData(16, "56301549e674c3b72a0e1dafb7a2c620")]
    public void Mac_KeyedBlake2s_GivesTheReferenceResult(int keyBytes, string expected)
    {
        var mac = new byte[16];
        Crypto.Mac(Counting(keyBytes), Counting(100), mac);
        Assert.Equal(expected, Text(mac));
    }

    [Fact]
    public void Seal_Rfc8439AppendixA5Vector_SealsAndOpens()
    {
        var key = Hex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0");
        var associated = Hex("f33388860000000000004e91");
        var plaintext = Encoding.UTF8.GetBytes(
            "Internet-Drafts are draft documents valid for a maximum of six months and may be updated, replaced, or obsoleted by other documents at any time. It is inappropriate to use Internet-Drafts as reference material or to cite them other than as /“work in progress./”");
        const string Expected =
            "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c8559797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a1049e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b02709b" +
            "eead9d67890cbb22392336fea1851f38";
        var sealedOutput = new byte[plaintext.Length + 16];
        Crypto.Seal(key, 0x0807060504030201, associated, plaintext, sealedOutput);
        Assert.Equal(Expected, Text(sealedOutput));

        var opened = new byte[plaintext.Length];
        Assert.True(Crypto.TryOpen(key, 0x0807060504030201, associated, sealedOutput, opened));
        Assert.Equal(plaintext, opened);
        associated[3] ^= 1;
        Assert.False(Crypto.TryOpen(key, 0x0807060504030201, associated, sealedOutput, opened));
        Assert.All(opened, b => Assert.Equal(0, b));
    }

    [Fact]
    public void SealX_XChaChaDraftAppendixA31Vector_SealsAndOpens()
    {
        var key = Hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
        var nonce = Hex("404142434445464748494a4b4c4d4e4f5051525354555657");
        var associated = Hex("50515253c0c1c2c3c4c5c6c7");
        var plaintext = Encoding.ASCII.GetBytes(
            "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.");
        const string Expected =
            "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52e" +
            "c0875924c1c7987947deafd8780acf49";
        var sealedOutput = new byte[plaintext.Length + 16];
        Crypto.SealX(key, nonce, associated, plaintext, sealedOutput);
        Assert.Equal(Expected, Text(sealedOutput));

        var opened = new byte[plaintext.Length];
        Assert.True(Crypto.TryOpenX(key, nonce, associated, sealedOutput, opened));
        Assert.Equal(plaintext, opened);
        sealedOutput[0] ^= 1;
        Assert.False(Crypto.TryOpenX(key, nonce, associated, sealedOutput, opened));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(960)]
    [InlineData(961)]
    [InlineData(1024)]
    [InlineData(1025)]
    [InlineData(1420)]
    [InlineData(1953)]
    [InlineData(1954)]
    [InlineData(9000)]
    public void AeadKey_InPlaceAndOutOfPlace_AgreeWithTheOneShotForm(int length)
    {
        var key = Counting(32);
        var plaintext = Counting(length);
        var expected = new byte[length + 16];
        Crypto.Seal(key, 7, default, plaintext, expected);

        using var aead = Crypto.CreateAeadKey(key);
        var apart = new byte[length + 16];
        aead.Seal(6, plaintext, apart);
        aead.Seal(7, plaintext, apart);
        Assert.Equal(expected, apart);

        var inPlace = new byte[length + 16];
        plaintext.CopyTo(inPlace, 0);
        aead.Seal(7, inPlace.AsSpan(0, length), inPlace);
        Assert.Equal(expected, inPlace);

        Assert.False(aead.TryOpen(8, apart, new byte[length]));
        var opened = new byte[length];
        Assert.True(aead.TryOpen(7, apart, opened));
        Assert.Equal(plaintext, opened);
        Assert.True(aead.TryOpen(7, inPlace, inPlace.AsSpan(0, length)));
        Assert.Equal(plaintext, inPlace[..length]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(33)]
    [InlineData(1420)]
    [InlineData(2000)]
    public void AeadKey_AnyBitFlipped_IsRefusedAndShowsNothing(int length)
    {
        using var aead = Crypto.CreateAeadKey(Counting(32));
        var message = new byte[length + 16];
        aead.Seal(7, Counting(length), message);
        for (var bit = 0; bit < message.Length * 8; bit += Math.Max(1, message.Length / 8))
        {
            message[bit / 8] ^= (byte)(1 << (bit % 8));
            var opened = new byte[length];
            Assert.False(aead.TryOpen(7, message, opened));
            if (length < 1953)
                Assert.All(opened, value => Assert.Equal(0, value));
            message[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.True(aead.TryOpen(7, message, new byte[length]));
    }

    [Fact]
    public void AeadKey_OnePacketAfterAnother_AllocatesNothing()
    {
        using var aead = Crypto.CreateAeadKey(Counting(32));
        var message = new byte[1420 + 16];
        aead.Seal(0, message.AsSpan(0, 1420), message);
        aead.TryOpen(0, message, message.AsSpan(0, 1420));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (ulong counter = 1; counter < 100; counter++)
        {
            aead.Seal(counter, message.AsSpan(0, 1420), message);
            aead.TryOpen(counter, message, message.AsSpan(0, 1420));
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void AeadKey_Disposed_NeverSealsWithTheErasedKey()
    {
        var aead = Crypto.CreateAeadKey(Counting(32));
        aead.Seal(0, [], new byte[16]);
        aead.Dispose();
        Assert.Throws<ObjectDisposedException>(() => aead.Seal(1, [], new byte[16]));
        Assert.Throws<ObjectDisposedException>(() => aead.TryOpen(0, new byte[16], []));
    }

    [Fact]
    public void MissingSentence_NamesTheLibraryAndTheRemedy()
    {
        Assert.Contains("libcrypto.so.3", Libcrypto.MissingSentence, StringComparison.Ordinal);
        Assert.Contains("apt-get install libssl3", Libcrypto.MissingSentence, StringComparison.Ordinal);
    }

    private static byte[] Counting(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)i)];

    private static byte[] Hex(string text) => Convert.FromHexString(text);

    private static string Text(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
