using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Gateway.Protocol;

/// <summary>
/// The functions of OpenSSL 3's libcrypto that we call. Names and types are those of openssl/evp.h, so that its manual pages apply.
/// </summary>
/// <remarks>
/// No call suppresses the GC transition: for the four calls of a packet that saves about 4 ns together, and a garbage collection would
/// have to wait for every thread inside one.
/// </remarks>
internal static unsafe partial class Libcrypto
{
    private const string Library = "libcrypto";

    // SONAME first: it is what a system without development packages has.
    private static readonly string[] Candidates = ["libcrypto.so.3", "libcrypto.so"];

    private const ulong RequiredMajorVersion = 3;

    static Libcrypto() => NativeLibrary.SetDllImportResolver(typeof(Libcrypto).Assembly, Resolve);

    /// <summary>Loads the library, or says in one sentence what is missing.</summary>
    internal static void EnsureLoaded()
    {
        try
        {
            if (OPENSSL_version_major() >= RequiredMajorVersion)
                return;
        }
        catch (Exception failure) when (failure is DllNotFoundException or EntryPointNotFoundException)
        {
            throw new PlatformNotSupportedException(MissingSentence, failure);
        }

        throw new PlatformNotSupportedException(MissingSentence);
    }

    internal static readonly string MissingSentence =
        $"OpenSSL 3's libcrypto was not found (tried {string.Join(" and ", Candidates)}): install it, on Debian and Ubuntu with 'apt-get install libssl3'.";

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (name != Library)
            return 0;
        foreach (var candidate in Candidates)
        {
            if (NativeLibrary.TryLoad(candidate, assembly, searchPath, out var handle))
                return handle;
        }

        return 0;
    }

    /// <summary>Turns a failed call into an exception: with fixed algorithms and checked lengths it is a bug or memory exhaustion.</summary>
    internal static void Check(int result, [CallerArgumentExpression(nameof(result))] string? call = null)
    {
        if (result <= 0)
            ThrowFailed(call);
    }

    /// <summary>The same for calls that answer with a pointer.</summary>
    internal static nint Check(nint result, [CallerArgumentExpression(nameof(result))] string? call = null)
    {
        if (result == 0)
            ThrowFailed(call);
        return result;
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    private static void ThrowFailed(string? call)
    {
        ERR_clear_error();
        throw new System.Security.Cryptography.CryptographicException($"libcrypto refused {call}.");
    }

    [LibraryImport(Library)]
    internal static partial uint OPENSSL_version_major();

    [LibraryImport(Library)]
    internal static partial void ERR_clear_error();

    // Digest

    [LibraryImport(Library)]
    internal static partial nint EVP_MD_fetch(nint context, byte* algorithm, byte* properties);

    [LibraryImport(Library)]
    internal static partial nint EVP_MD_CTX_new();

    [LibraryImport(Library)]
    internal static partial void EVP_MD_CTX_free(nint context);

    [LibraryImport(Library)]
    internal static partial int EVP_DigestInit_ex(nint context, nint digest, nint engine);

    [LibraryImport(Library)]
    internal static partial int EVP_DigestUpdate(nint context, byte* data, nuint length);

    [LibraryImport(Library)]
    internal static partial int EVP_DigestFinal_ex(nint context, byte* digest, uint* length);

    // MAC

    [LibraryImport(Library)]
    internal static partial nint EVP_MAC_fetch(nint context, byte* algorithm, byte* properties);

    [LibraryImport(Library)]
    internal static partial nint EVP_MAC_CTX_new(nint mac);

    [LibraryImport(Library)]
    internal static partial void EVP_MAC_CTX_free(nint context);

    [LibraryImport(Library)]
    internal static partial int EVP_MAC_init(nint context, byte* key, nuint length, OsslParam* parameters);

    [LibraryImport(Library)]
    internal static partial int EVP_MAC_update(nint context, byte* data, nuint length);

    [LibraryImport(Library)]
    internal static partial int EVP_MAC_final(nint context, byte* mac, nuint* length, nuint size);

    // X25519

    [LibraryImport(Library)]
    internal static partial nint EVP_PKEY_CTX_new_from_name(nint context, byte* name, byte* properties);

    [LibraryImport(Library)]
    internal static partial nint EVP_PKEY_CTX_new_from_pkey(nint context, nint key, byte* properties);

    [LibraryImport(Library)]
    internal static partial void EVP_PKEY_CTX_free(nint context);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_fromdata_init(nint context);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_fromdata(nint context, nint* key, int selection, OsslParam* parameters);

    [LibraryImport(Library)]
    internal static partial nint EVP_PKEY_new_raw_public_key_ex(nint context, byte* type, byte* properties, byte* key, nuint length);

    [LibraryImport(Library)]
    internal static partial void EVP_PKEY_free(nint key);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_derive_init(nint context);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_derive_set_peer_ex(nint context, nint peer, int validate);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_derive(nint context, byte* secret, nuint* length);

    // Ciphers

    [LibraryImport(Library)]
    internal static partial nint EVP_CIPHER_fetch(nint context, byte* algorithm, byte* properties);

    [LibraryImport(Library)]
    internal static partial nint EVP_CIPHER_CTX_new();

    [LibraryImport(Library)]
    internal static partial void EVP_CIPHER_CTX_free(nint context);

    [LibraryImport(Library)]
    internal static partial int EVP_CipherInit_ex2(nint context, nint cipher, byte* key, byte* iv, int encrypt, OsslParam* parameters);

    [LibraryImport(Library)]
    internal static partial int EVP_CipherUpdate(nint context, byte* output, int* outputLength, byte* input, int inputLength);

    [LibraryImport(Library)]
    internal static partial int EVP_CipherFinal_ex(nint context, byte* output, int* outputLength);

    [LibraryImport(Library)]
    internal static partial int EVP_CIPHER_CTX_get_params(nint context, OsslParam* parameters);

    [LibraryImport(Library)]
    internal static partial int EVP_CIPHER_CTX_set_params(nint context, OsslParam* parameters);

    /// <summary>OSSL_PARAM of openssl/core.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct OsslParam
    {
        internal const uint UnsignedInteger = 2;
        internal const uint OctetString = 5;

        internal byte* Key;
        internal uint DataType;
        internal void* Data;
        internal nuint DataSize;
        internal nuint ReturnSize;
    }
}
