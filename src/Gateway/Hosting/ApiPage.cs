using System.Text.Json.Nodes;
using Gateway.Contracts;
using Gateway.Web;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace Gateway.Hosting;

/// <summary>The OpenAPI document and its page at /swagger; all its assets come from the package, none from a CDN.</summary>
internal static class ApiPage
{
    public static void AddApiPage(this IServiceCollection services)
    {
        services.AddEndpointsApiExplorer();
        services.AddSwaggerGen(options =>
        {
            options.SwaggerDoc("v1", new OpenApiInfo
            {
                Title = "Gateway",
                Version = "v1",
                Description = "Tunnels, peers, routes and kernel settings. Errors are problem details (RFC 9457) whose 'errors' name each field, what was wrong and what " +
                    "would be right. Lists are paged with 'limit' and 'cursor'. Changes take 'If-Match' with the ETag that was read. PATCH is a JSON merge patch (RFC 7396).",
            });
            options.AddSecurityDefinition("bearer", new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "An API token." });
            options.AddSecurityRequirement(document => new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("bearer", document)] = [] });
            foreach (var xml in Directory.EnumerateFiles(AppContext.BaseDirectory, "Gateway.Contracts.xml")) options.IncludeXmlComments(xml);
            options.OperationFilter<Examples>();
            options.OperationFilter<DryRunParameter>();
            options.SupportNonNullableReferenceTypes();
        });
    }

    public static void UseApiPage(this WebApplication app)
    {
        app.UseSwagger();
        app.UseSwaggerUI(options =>
        {
            options.DocumentTitle = "Gateway API";
            options.SwaggerEndpoint("v1/swagger.json", "Gateway v1");
        });
    }

    private sealed class DryRunParameter : IOperationFilter
    {
        public void Apply(OpenApiOperation operation, OperationFilterContext context)
        {
            if (!context.ApiDescription.ActionDescriptor.EndpointMetadata.OfType<DryRun.Supported>().Any()) return;
            (operation.Parameters ??= []).Add(new OpenApiParameter
            {
                Name = "dryRun",
                In = ParameterLocation.Query,
                Description = "true: changes nothing, and answers 200 with what would change.",
                Schema = new OpenApiSchema { Type = JsonSchemaType.Boolean },
            });
        }
    }

    private sealed class Examples : IOperationFilter
    {
        private static readonly Dictionary<Type, string> ByType = new()
        {
            [typeof(TunnelSettings)] = """
                {"name":"wg0","transport":"wireguard","layer":"ip","listenPort":51820,"addresses":["192.168.53.1/24"],"endpoint":"10.0.2.8:51820","dnsServers":["192.168.60.53"],"searchDomains":["corp.example.org"]}
                """,
            [typeof(PeerSettings)] = """
                {"name":"host-u","addresses":["192.168.53.99/32"],"keepaliveSeconds":25,"tags":["office"],"notes":"Third floor"}
                """,
            [typeof(BulkRequest)] = """{"action":"disable","filter":{"tunnel":"wg0","tag":"contractors"}}""",
            [typeof(RotateKeysRequest)] = """{"graceSeconds":86400}""",
            [typeof(ConfigLinkSettings)] = """{"expiresInSeconds":86400}""",
            [typeof(RouteSettings)] = """{"prefix":"192.168.60.0/24","installOn":"client"}""",
            [typeof(InterfaceSettings)] = """{"rpFilter":"loose","enforce":true}""",
            [typeof(HostSettings)] = """{"ipv4Forwarding":true}""",
            [typeof(ExplainRequest)] = """{"peer":"host-u","source":"192.168.53.99","destination":"192.168.60.101","protocol":"icmp"}""",
            [typeof(ImportRequest)] = """{"files":[{"name":"wg0.conf","text":"[Interface]\nPrivateKey = …\n"}],"endpoint":"203.0.113.5:51820"}""",
            [typeof(BackupRequest)] = """{"passphrase":"correct horse battery staple"}""",
            [typeof(Stream)] = "\"the bytes of a backup file\"",
            [typeof(UserSettings)] = """{"name":"alice","role":"operator","seesPackets":false}""",
            [typeof(TokenSettings)] = """{"name":"backup-script","scopes":["read"],"expiresAt":"2030-01-31T12:00:00Z"}""",
            [typeof(PacketRequest)] = """
                {"to":"device","hex":"4500001c000100004001ef2dc0a83563c0a83c650800f7fe00010000"}
                """,
        };

        private static readonly Dictionary<Type, string> Patches = new()
        {
            [typeof(TunnelSettings)] = """{"mtu":1380,"nat":[{"prefix":"0.0.0.0/0","to":"masquerade"},{"prefix":"192.168.60.0/24","to":"none"}],"clampMss":true}""",
            [typeof(PeerSettings)] = """{"name":"laptop","tags":["office"],"enabled":false}""",
            [typeof(RouteSettings)] = """{"prefix":"192.168.61.0/24"}""",
            [typeof(UserSettings)] = """{"role":"viewer"}""",
            [typeof(TokenSettings)] = """{"expiresAt":null}""",
        };

        public void Apply(OpenApiOperation operation, OperationFilterContext context)
        {
            var body = context.ApiDescription.ActionDescriptor.EndpointMetadata.OfType<IAcceptsMetadata>().FirstOrDefault()?.RequestType;
            if (body is null || operation.RequestBody?.Content is not { } content) return;
            var isPatch = HttpMethods.IsPatch(context.ApiDescription.HttpMethod ?? "");
            foreach (var media in content.Values.OfType<OpenApiMediaType>())
            {
                // A patch has only what changes.
                if ((isPatch && Patches.TryGetValue(body, out var example)) || ByType.TryGetValue(body, out example)) media.Example = JsonNode.Parse(example);
            }
        }
    }
}
