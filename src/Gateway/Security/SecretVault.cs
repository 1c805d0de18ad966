using Gateway.Protocol;
using Microsoft.AspNetCore.DataProtection;

namespace Gateway.Security;

/// <summary>Encrypts the keys that the database holds, with ASP.NET Core's data protection; its own keys lie in the data directory.</summary>
internal sealed class SecretVault(IDataProtectionProvider provider)
{
    private readonly IDataProtector _privateKeys = provider.CreateProtector("Gateway.PrivateKey.v1");
    private readonly IDataProtector _presharedKeys = provider.CreateProtector("Gateway.PresharedKey.v1");
    private readonly IDataProtector _secondFactors = provider.CreateProtector("Gateway.SecondFactor.v1");

    public byte[] Protect(PrivateKey key) => _privateKeys.Protect(key.Bytes.ToArray());

    public byte[] Protect(PresharedKey key) => _presharedKeys.Protect(key.Bytes.ToArray());

    /// <summary>For the secrets of authenticator apps and recovery codes.</summary>
    public string ProtectSecondFactor(string secret) => _secondFactors.Protect(secret);

    public string UnprotectSecondFactor(string sealedSecret) => _secondFactors.Unprotect(sealedSecret);

    public PrivateKey UnprotectPrivateKey(byte[] sealedKey) => new(_privateKeys.Unprotect(sealedKey));

    public PresharedKey UnprotectPresharedKey(byte[] sealedKey) => new(_presharedKeys.Unprotect(sealedKey));
}
