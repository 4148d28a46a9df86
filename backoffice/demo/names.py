"""Words of a fictional Brazil: no person, shop or number here is real."""

FIRST = [
    "Ana",
    "Beatriz",
    "Camila",
    "Daniela",
    "Eduarda",
    "Fernanda",
    "Gabriela",
    "Helena",
    "Isabela",
    "Juliana",
    "Larissa",
    "Mariana",
    "Natália",
    "Olívia",
    "Patrícia",
    "Renata",
    "Sofia",
    "Tatiana",
    "Vitória",
    "Yasmin",
    "André",
    "Bruno",
    "Caio",
    "Diego",
    "Eduardo",
    "Felipe",
    "Gustavo",
    "Henrique",
    "Igor",
    "João",
    "Leandro",
    "Marcelo",
    "Nelson",
    "Otávio",
    "Paulo",
    "Rafael",
    "Samuel",
    "Thiago",
    "Vinícius",
    "Wagner",
]
LAST = [
    "Almeida",
    "Barbosa",
    "Cardoso",
    "Dias",
    "Esteves",
    "Ferreira",
    "Gomes",
    "Henriques",
    "Iglesias",
    "Junqueira",
    "Klein",
    "Lima",
    "Machado",
    "Nogueira",
    "Oliveira",
    "Pereira",
    "Queiroz",
    "Ribeiro",
    "Santos",
    "Teixeira",
    "Uchoa",
    "Vieira",
    "Werneck",
    "Xavier",
    "Zanetti",
    "Azevedo",
    "Batista",
    "Carvalho",
    "Duarte",
    "Farias",
]
# city, state, first five digits of its CEP, how many in a hundred customers live there
CITIES = (
    ("São Paulo", "SP", "01310", 24),
    ("Campinas", "SP", "13010", 7),
    ("Santos", "SP", "11010", 4),
    ("Rio de Janeiro", "RJ", "20040", 12),
    ("Niterói", "RJ", "24020", 3),
    ("Belo Horizonte", "MG", "30110", 9),
    ("Uberlândia", "MG", "38400", 3),
    ("Curitiba", "PR", "80010", 10),
    ("Londrina", "PR", "86010", 3),
    ("Porto Alegre", "RS", "90010", 6),
    ("Florianópolis", "SC", "88010", 4),
    ("Salvador", "BA", "40020", 4),
    ("Recife", "PE", "50010", 3),
    ("Fortaleza", "CE", "60010", 3),
    ("Brasília", "DF", "70040", 3),
    ("Goiânia", "GO", "74010", 1),
    ("Manaus", "AM", "69010", 1),
)
# key, Portuguese, English, products as (name, price in reais, grams)
CATALOGUE = (
    ("cozinha", "Cozinha", "Kitchen", (
        ("Chaleira de ferro 1 L", "289.90", 2100), ("Jogo de facas 5 peças", "349.00", 1600),
        ("Moedor de café manual", "179.50", 700), ("Tábua de araucária", "129.90", 1400),
        ("Prensa francesa 600 ml", "99.90", 650), ("Balança de cozinha", "84.90", 450))),
    ("mesa", "Mesa posta", "Tableware", (
        ("Aparelho de jantar 20 peças", "459.00", 8200), ("Xícaras esmaltadas, par", "69.90", 520),
        ("Toalha de linho 1,8 m", "219.00", 640), ("Jarra de vidro 1,5 L", "79.90", 900),
        ("Talheres 24 peças", "259.90", 1700))),
    ("cama", "Cama e banho", "Bed and bath", (
        ("Jogo de lençol queen 400 fios", "389.90", 1900), ("Toalha de banho", "74.90", 560),
        ("Edredom queen", "499.00", 2800), ("Travesseiro de látex", "189.90", 1500),
        ("Roupão felpudo", "239.90", 1200))),
    ("decoracao", "Decoração", "Decoration", (
        ("Luminária de mesa", "199.90", 1300), ("Vaso de cerâmica", "119.90", 1800),
        ("Espelho redondo 60 cm", "329.00", 5200), ("Almofada de algodão", "59.90", 380),
        ("Quadro botânico", "149.90", 1100), ("Vela de cera de coco", "49.90", 300))),
    ("jardim", "Jardim", "Garden", (
        ("Mangueira 20 m", "139.90", 2300), ("Tesoura de poda", "89.90", 340),
        ("Floreira de madeira", "169.90", 4100), ("Regador 5 L", "64.90", 620))),
    ("organizacao", "Organização", "Storage", (
        ("Cesto de vime", "94.90", 800), ("Caixas empilháveis, trio", "119.90", 1500),
        ("Sapateira 4 andares", "209.90", 4600), ("Cabides de madeira, 10", "79.90", 1300))),
    ("escritorio", "Escritório", "Office", (
        ("Cadeira ergonômica", "1290.00", 14500), ("Escrivaninha 1,2 m", "749.00", 22000),
        ("Luminária articulada", "159.90", 1200), ("Suporte de notebook", "129.90", 900))),
    ("infantil", "Infantil", "Children", (
        ("Blocos de madeira", "109.90", 1300), ("Mesa e duas cadeiras", "399.00", 9800),
        ("Tapete de atividades", "149.90", 1100), ("Abajur de nuvem", "99.90", 500))),
)  # fmt: skip
SELLERS = (
    ("Oficina do Vale", "Curitiba", "PR", "80010"), ("Casa Serena", "São Paulo", "SP", "01310"),
    ("Barro e Linho", "Belo Horizonte", "MG", "30110"), ("Móveis Pinhal", "Londrina", "PR", "86010"),
    ("Verde Quintal", "Campinas", "SP", "13010"), ("Ateliê Maré", "Florianópolis", "SC", "88010"),
    ("Forja Sul", "Porto Alegre", "RS", "90010"), ("Tecelagem Aurora", "Santos", "SP", "11010"),
)  # fmt: skip
PRAISE = (
    "Chegou antes do prazo, bem embalado.", "Muito bonito, igual à foto.", "Recomendo, ótima qualidade.",
    "Atendimento rápido e atencioso.", "Terceira compra, sempre tudo certo.",
)  # fmt: skip
BLAME = (
    "Demorou muito para chegar.", "Veio com um lado riscado.", "Cor diferente da anunciada.",
    "Ainda não recebi, ninguém responde.", "Faltou uma peça na caixa.",
)  # fmt: skip
ORIGINS = ("organic_search", "paid_search", "social", "email", "referral", "direct_traffic", "unknown")
SEGMENTS = ("home_decor", "household_utilities", "garden_tools", "office_furniture", "kids", "bed_bath_table")
